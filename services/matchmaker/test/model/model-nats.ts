/** NATS between matchmakers and simulation processes, in memory: requests, heartbeats, logs of games, buckets. */

import type { GameEntry, LeaderRecord, SimStatus } from '@breakwater/bus';
import { BusError } from '@breakwater/service-kit';
import { type Link, ModelServer, type ProcessClock } from '@breakwater/testkit';
import { GameLog } from './game-log.ts';
import { ModelBucket } from './model-bucket.ts';

/** A process on the server. */
export interface Client {
  readonly link: Link;
  readonly clock: ProcessClock;
}

/** Hears what is said on one subject. */
interface Ear<T> {
  readonly link: Link;
  readonly take: (message: T) => void;
}

class Topic<T> {
  readonly #ears = new Set<Ear<T>>();

  hear(link: Link, take: (message: T) => void): void {
    this.#ears.add({ link, take });
  }

  say(message: T): void {
    for (const { link, take } of this.#ears) link.down(() => take(message));
  }

  forget(link: Link): void {
    for (const ear of this.#ears) if (ear.link === link) this.#ears.delete(ear);
  }
}

export interface ClaimNews {
  readonly game: string;
  readonly epoch: number;
}

/** A refusal of the other side. */
export class Refused extends Error {}

export interface Responder {
  readonly link: Link;
  /** Rejects with `Refused`. */
  readonly serve: (request: unknown) => Promise<unknown>;
}

type Reply = { readonly value: unknown } | { readonly error: 'no_responders' | 'remote' };

export class ModelNats extends ModelServer {
  readonly games = new ModelBucket<GameEntry>();
  readonly leader = new ModelBucket<LeaderRecord>();
  readonly logs = new Map<string, GameLog>();
  readonly statuses = new Topic<SimStatus>();
  readonly heartbeats = new Topic<string>();
  /** Claims, as the feeds of the games bring them. */
  readonly claims = new Topic<ClaimNews>();
  onLogFault: (fault: string) => void = () => undefined;
  readonly #responders = new Map<string, Responder>();

  logOf(game: string): GameLog {
    const known = this.logs.get(game);
    if (known !== undefined) return known;
    const log = new GameLog();
    log.onFault = (fault) => this.onLogFault(`${game}: ${fault}`);
    log.onClaim = (epoch) => this.claims.say({ game, epoch });
    this.logs.set(game, log);
    return log;
  }

  respond(subject: string, responder: Responder): void {
    this.#responders.set(subject, responder);
  }

  override forget(link: Link): void {
    super.forget(link);
    for (const [subject, responder] of this.#responders)
      if (responder.link === link) this.#responders.delete(subject);
    for (const ears of [this.statuses, this.heartbeats, this.claims, this.games, this.leader])
      ears.forget(link);
  }

  /** A request, as the service kit makes them. @throws BusError `unavailable`, `no_responders`, `remote` */
  async request(client: Client, subject: string, request: unknown, timeoutMs: number): Promise<unknown> {
    const reply = await this.ask<Reply>(client, timeoutMs, (answer) => this.pass(subject, request, answer));
    if ('value' in reply) return reply.value;
    throw new BusError(reply.error, subject, 'the model says no');
  }

  /** A request that has arrived at the server goes on to whoever answers. */
  pass(subject: string, request: unknown, answer: (reply: Reply) => void): void {
    const responder = this.#responders.get(subject);
    if (responder === undefined || !responder.link.isConnected) {
      answer({ error: 'no_responders' });
      return;
    }
    const { link, serve } = responder;
    link.down(() => {
      serve(request).then(
        (value) => link.up(() => answer({ value })),
        (error: unknown) => {
          if (!(error instanceof Refused)) throw error;
          link.up(() => answer({ error: 'remote' }));
        },
      );
    });
  }

  /** @throws BusError `unavailable`: no answer in time, or the connection is lost */
  ask<T>(client: Client, timeoutMs: number, serve: (answer: (value: T) => void) => void): Promise<T> {
    if (!client.link.isConnected) return Promise.reject(new BusError('unavailable', '', 'not connected'));
    const fail = (why: string) => new BusError('unavailable', '', why);
    return this.exchange(client, timeoutMs, serve, fail);
  }
}
