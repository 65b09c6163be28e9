/** Totals of XP: anyone's on request, one's own kept up to date while somebody wants to know. */

import type { GameFrame, ServerFrame } from '@breakwater/protocol';
import type { PeopleApi, PeopleEvents, Unsubscribe } from './api.ts';
import { Emitter } from './emitter.ts';
import type { BreakwaterError } from './errors.ts';
import type { Link } from './net/link.ts';
import { Rejoiner } from './rejoiner.ts';
import type { Attachable, Session } from './session.ts';

export class People implements PeopleApi, Attachable {
  readonly #session: Session;
  readonly #rejoiner: Rejoiner;
  readonly #emitter: Emitter<PeopleEvents>;
  #isWatching = false;
  #total: number | undefined;

  constructor(session: Session) {
    this.#session = session;
    this.#rejoiner = new Rejoiner(session, (link) => this.attach(link));
    this.#emitter = new Emitter(session.settings.limits.maxStreamBuffer, (error) => session.report(error));
  }

  get total(): number | undefined {
    return this.#total;
  }

  async xp(user?: string): Promise<number> {
    if (user === undefined) await this.#session.ready;
    const asked = user ?? this.#session.lastLink?.welcome.user ?? '';
    const body = { t: 'people.xp', user: asked } as const;
    return (await this.#session.requests.ask(body, 'people.xp', true)).total;
  }

  on<K extends keyof PeopleEvents>(event: K, listener: (value: PeopleEvents[K]) => void): Unsubscribe {
    this.#watch();
    return this.#emitter.on(event, listener);
  }

  events<K extends keyof PeopleEvents>(event: K): AsyncIterableIterator<PeopleEvents[K]> {
    this.#watch();
    return this.#emitter.events(event);
  }

  attach(link: Link): Promise<void> {
    this.#rejoiner.cancel();
    return new Promise((resolve) => {
      const isSent = link.request({ t: 'people.watch' }, this.#session.settings.times.requestTimeoutMs, {
        onAnswer: (frame) => {
          this.#rejoiner.reset();
          this.receive(link, frame);
          resolve();
        },
        onFail: (error) => {
          const isHere = error.code !== 'connection_lost' && link === this.#session.link;
          if (isHere && error.retryable) this.#rejoiner.later(error);
          resolve();
        },
      });
      if (isSent) return;
      this.#rejoiner.later();
      resolve();
    });
  }

  detached(): void {}

  /** Totals only rise, so that frames of an old socket do no harm. */
  receive(link: Link, frame: ServerFrame): boolean {
    if (frame.t !== 'people.xp') return false;
    if (frame.user !== link.welcome.user || frame.total <= (this.#total ?? -1)) return true;
    this.#total = frame.total;
    this.#emitter.emit('xp', { total: frame.total });
    return true;
  }

  receiveGame(_link: Link, _frame: GameFrame): boolean {
    return false;
  }

  closed(_error: BreakwaterError): void {
    this.#rejoiner.end();
    this.#emitter.end();
  }

  #watch(): void {
    if (this.#isWatching || this.#session.isClosed) return;
    this.#isWatching = true;
    void this.#session.add(this);
  }
}
