/** The connection that outlives sockets: connects, resumes, moves, keeps the token fresh, gives up where told. */

import { CLOSE, closeAction, type GameFrame, LIMITS, type ServerFrame } from '@breakwater/protocol';
import type { ClientEvents, ClientState } from './api.ts';
import { Connector } from './connector.ts';
import { Budget } from './domain/budget.ts';
import { MessageIds } from './domain/message-ids.ts';
import { nextRising } from './domain/rising-number.ts';
import { ServerClock } from './domain/server-clock.ts';
import { TokenKeeper } from './domain/token-keeper.ts';
import { Emitter } from './emitter.ts';
import {
  type BreakwaterError,
  ClientClosedError,
  ConnectionClosedError,
  ConnectionLostError,
  ServerError,
} from './errors.ts';
import type { Link, LinkEnd, LinkHandlers } from './net/link.ts';
import { meaningOf } from './net/open-link.ts';
import { RequestQueue } from './request-queue.ts';
import type { Settings } from './runtime.ts';
import { TokenRefresher } from './token-refresher.ts';

/** A room, a game or the lobby: something that a new socket has to be told about. */
export interface Attachable {
  /** Resumes on `link`; resolves when it is live there or will not be, and never rejects. */
  attach(link: Link): Promise<void>;
  /** `link` is gone; nothing more comes from it. */
  detached(link: Link): void;
  /** True if the frame was meant for it. */
  receive(link: Link, frame: ServerFrame): boolean;
  receiveGame(link: Link, frame: GameFrame): boolean;
  /** The client is closed for good. */
  closed(error: BreakwaterError): void;
}

/** Join numbers stay far below the largest that is exact. */
const MAX_JOIN_STEP = 2 ** 40;

export class Session implements LinkHandlers {
  readonly settings: Settings;
  readonly emitter: Emitter<ClientEvents>;
  readonly clock = new ServerClock();
  readonly budget: Budget;
  readonly requests: RequestQueue;
  readonly messageIds: MessageIds;
  readonly #connector: Connector;
  readonly #refresher: TokenRefresher;
  readonly #tokens: TokenKeeper;
  readonly #attachables = new Set<Attachable>();
  readonly #ready = Promise.withResolvers<void>();
  #link: Link | undefined;
  /** The socket that the client moves away from. */
  #old: Link | undefined;
  #cancelMove: () => void = () => undefined;
  #state: ClientState = 'connecting';
  #stateSince: number;
  #error: BreakwaterError | undefined;

  constructor(settings: Settings) {
    this.settings = settings;
    this.#stateSince = settings.clock.unixMs();
    this.emitter = new Emitter(settings.limits.maxStreamBuffer, (error) => this.report(error));
    this.budget = new Budget(settings.limits.maxQueued, settings.limits.maxQueuedBytes);
    this.requests = new RequestQueue(settings, this.budget, () => this.maxFrameBytes);
    this.messageIds = new MessageIds(settings.random);
    this.#tokens = new TokenKeeper(settings.token);
    this.#refresher = new TokenRefresher(settings, this.#tokens, this.clock, (error) => this.report(error));
    this.#connector = new Connector(settings, this.#tokens, this);
    // Whoever does not ask for it shall not be told by an unhandled rejection.
    this.#ready.promise.catch(() => undefined);
  }

  get state(): ClientState {
    return this.#state;
  }

  get stateSince(): number {
    return this.#stateSince;
  }

  get error(): BreakwaterError | undefined {
    return this.#error;
  }

  /** The socket for what is new; an older one may still be open while the client moves. */
  get link(): Link | undefined {
    return this.#link;
  }

  /** The newest socket, also after its end. */
  get lastLink(): Link | undefined {
    return this.#lastLink;
  }
  #lastLink: Link | undefined;

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** What the edge takes as one frame, in bytes. */
  get maxFrameBytes(): number {
    return this.#lastLink?.welcome.limits.maxFrameBytes ?? LIMITS.maxFrameBytes;
  }

  /** Server's clock, Unix ms. */
  serverMs(): number {
    return this.clock.serverMs(this.settings.clock.unixMs());
  }

  /** A join's number: higher than any that this user's sessions on this device used before. */
  nextJoin(): number {
    const { storage } = this.settings;
    const key = `breakwater.join.${this.#lastLink?.welcome.user ?? ''}`;
    let stored: string | undefined;
    try {
      stored = storage.get(key);
      this.#lastJoin = nextRising(this.serverMs(), this.#lastJoin, stored);
      storage.set(key, String(this.#lastJoin));
    } catch (error) {
      this.#lastJoin = nextRising(this.serverMs(), this.#lastJoin, stored);
      this.report(error);
    }
    return this.#lastJoin;
  }
  #lastJoin = 0;

  /** Another device of this user counts higher, by an unknown distance: the next numbers go up in growing steps. */
  outdatedJoin(): void {
    this.#joinStep = Math.min(MAX_JOIN_STEP, this.#joinStep * 2);
    this.#lastJoin += this.#joinStep;
  }
  #joinStep = 1_000;

  start(): void {
    this.#connect({ freeAttempts: this.settings.urls.length });
  }

  reconnectNow(): void {
    this.#connector.hurry();
  }

  /** From now on `attachable` lives on every socket; the promise is that of its first attachment. */
  add(attachable: Attachable): Promise<void> {
    this.#attachables.add(attachable);
    return this.#link === undefined ? Promise.resolve() : attachable.attach(this.#link);
  }

  remove(attachable: Attachable): void {
    this.#attachables.delete(attachable);
  }

  /** What no caller can be told about. */
  report(error: unknown): void {
    const known = error instanceof Error ? error : new Error(String(error));
    // A throwing `error` listener is not reported to itself.
    if (this.#isReporting) return;
    this.#isReporting = true;
    this.emitter.emit('error', { error: known });
    this.#isReporting = false;
  }
  #isReporting = false;

  close(error: BreakwaterError = new ClientClosedError()): void {
    if (this.isClosed) return;
    const link = this.#link;
    this.#link = undefined;
    this.#cancelMove();
    this.#connector.stop();
    this.#refresher.stop();
    this.#setState('closed', error);
    link?.close();
    this.#old?.close();
    this.requests.close(error);
    for (const attachable of [...this.#attachables]) attachable.closed(error);
    this.#attachables.clear();
    this.#ready.reject(error);
    this.emitter.end();
  }

  onFrame(link: Link, frame: ServerFrame): void {
    if (frame.t === 'move') {
      this.#planMove(link, frame.inMs);
      return;
    }
    for (const attachable of this.#attachables) if (attachable.receive(link, frame)) return;
    if (frame.t === 'error') this.report(new ServerError(frame.code, frame.message, frame.retryAfterMs));
  }

  onGameFrame(link: Link, frame: GameFrame): void {
    for (const attachable of this.#attachables) if (attachable.receiveGame(link, frame)) return;
  }

  onPong(link: Link, serverMs: number, roundTripMs: number): void {
    if (link !== this.#link) return;
    this.clock.ponged(serverMs, roundTripMs, this.settings.clock.unixMs());
    this.emitter.emit('ping', { roundTripMs: this.clock.roundTripMs ?? roundTripMs });
  }

  onNonsense(error: Error): void {
    this.report(error);
  }

  onEnd(link: Link, end: LinkEnd): void {
    this.#connector.lived(link, end);
    for (const attachable of this.#attachables) attachable.detached(link);
    if (link !== this.#link || this.isClosed) return;
    this.#link = undefined;
    this.#cancelMove();
    this.#refresher.stop();
    const final = this.#finalErrorOf(end);
    if (final !== undefined) {
      this.close(final);
      return;
    }
    this.#setState('reconnecting', new ConnectionLostError());
    this.#connect({ freeAttempts: 0 });
  }

  /** Why the client must not come back after this end, if so. */
  #finalErrorOf({ code, reason }: LinkEnd): BreakwaterError | undefined {
    const action = closeAction(code);
    if (action === 'stop') return new ConnectionClosedError(code, meaningOf(code, reason));
    if (action === 'refresh_token' && !this.#tokens.isRenewable) return new ServerError('token_expired');
    if (action === 'refresh_token') this.#tokens.invalidate();
    return undefined;
  }

  /** A new socket stands, as the first, after a loss, or beside the one that is to be left. */
  #opened(link: Link): void {
    if (this.isClosed || link.isOver) {
      link.close();
      if (!this.isClosed) this.#connect({ freeAttempts: 0 });
      return;
    }
    const old = this.#link;
    this.#link = link;
    this.#lastLink = link;
    this.clock.welcomed(link.welcome.time, this.settings.clock.unixMs());
    link.start();
    this.#refresher.start(link);
    this.requests.resume(link);
    const attached = [...this.#attachables].map((attachable) => attachable.attach(link));
    if (old === undefined) this.#setState('connected', undefined);
    else void this.#leaveOld(old, link, attached);
    this.#ready.resolve();
  }

  /** Make before break: the old socket goes when everything lives on the new one and its answers are in. */
  async #leaveOld(old: Link, link: Link, attached: readonly Promise<void>[]): Promise<void> {
    this.#old?.close();
    this.#old = old;
    const limit = Promise.withResolvers<void>();
    const cancel = this.settings.clock.after(this.settings.times.moveTimeoutMs, limit.resolve);
    await Promise.race([Promise.all([...attached, this.#answersOf(old)]), limit.promise]);
    cancel();
    old.close(CLOSE.normal.code);
    if (this.#old === old) this.#old = undefined;
    if (!this.isClosed) this.emitter.emit('moved', { fromEdge: old.welcome.edge, toEdge: link.welcome.edge });
  }

  async #answersOf(link: Link): Promise<void> {
    const stepMs = 20;
    while (!link.isOver && link.waiting > 0) {
      await new Promise<void>((resolve) => void this.settings.clock.after(stepMs, resolve));
    }
  }

  #planMove(link: Link, inMs: number): void {
    if (link !== this.#link) return;
    this.#cancelMove();
    this.#cancelMove = this.settings.clock.after(inMs, () => {
      if (link === this.#link) this.#connect({ freeAttempts: 1, avoid: link.url });
    });
  }

  #connect(how: { freeAttempts: number; avoid?: string }): void {
    this.#connector.connect(how, {
      opened: (link) => this.#opened(link),
      gaveUp: (error) => this.close(error),
      failed: (error) => {
        // While the client moves it is still connected by its old socket.
        if (this.#link === undefined) this.#setState(this.#state, error);
      },
    });
  }

  #setState(state: ClientState, error: BreakwaterError | undefined): void {
    if (state !== this.#state) this.#stateSince = this.settings.clock.unixMs();
    this.#state = state;
    this.#error = error;
    this.emitter.emit('state', error === undefined ? { state } : { state, error });
  }
}
