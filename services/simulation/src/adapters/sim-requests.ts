import {
  podId,
  type SimHost,
  type SimHosted,
  type SimVerb,
  type SimWarm,
  type SimWarmed,
  type Subjects,
  simHost,
  simList,
  simRelease,
  simWarm,
} from '@breakwater/bus';
import { type BusSubscription, type Logger, type NatsBus, ReplyError } from '@breakwater/service-kit';
import type { Host } from '../domain/host.ts';

const MAX_HOSTINGS_AT_ONCE = 1_000;

/** Answers `sim.<pod>.<verb>`: what the matchmaker asks of this process. */
export class SimRequests {
  readonly #nats: NatsBus;
  readonly #subjects: Subjects;
  readonly #pod: string;
  readonly #host: Host;
  readonly #log: Logger;
  #subscriptions: BusSubscription[] = [];

  constructor(nats: NatsBus, subjects: Subjects, pod: string, host: Host, log: Logger) {
    this.#nats = nats;
    this.#subjects = subjects;
    this.#pod = pod;
    this.#host = host;
    this.#log = log;
  }

  /** Resolves when the server knows of the subscriptions: whoever is told that we are ready may ask at once. */
  async start(): Promise<void> {
    const pod = podId(this.#pod);
    const on = (verb: SimVerb) => this.#subjects.sim(pod, verb);
    const maxInFlight = MAX_HOSTINGS_AT_ONCE;
    this.#subscriptions = [
      this.#nats.handle(on('warm'), { decode: simWarm, maxInFlight }, async (request) =>
        this.#told(request, await this.#host.warm(request)),
      ),
      this.#nats.handle(on('host'), { decode: simHost, maxInFlight }, async (request) =>
        this.#told(request, await this.#host.host(request)),
      ),
      this.#nats.handle(on('release'), { decode: simRelease, maxInFlight }, ({ game, epoch }) =>
        this.#release(game, epoch),
      ),
      this.#nats.handle(on('list'), { decode: simList }, () => ({ games: this.#host.lines() })),
    ];
    await this.#nats.flush();
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  /** Nobody but this process knows why its version of a game cannot go on with what there is of it. */
  #told<A extends SimWarmed | SimHosted>({ game, type, schemaVersion }: SimWarm | SimHost, answer: A): A {
    if (answer.refusal === 'unknown_game_type')
      this.#log.warn({ game, type, schemaVersion, why: answer.detail }, 'a game cannot be taken over here');
    return answer;
  }

  async #release(game: string, epoch: number): Promise<{ seq: number }> {
    const seq = await this.#host.release(game, epoch);
    if (seq === undefined)
      throw new ReplyError('game_not_found', 'the game is not hosted here at that epoch');
    return { seq };
  }
}
