import {
  type HostedGame,
  inboxPrefixOf,
  matchMoved,
  type NatsUser,
  podId,
  reply,
  simGames,
  subjectsFor,
} from '@breakwater/bus';
import { decode } from '@breakwater/protocol';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { Installation } from './installation.ts';

const PARTITIONS = 4;

/** What the person behind the tools may do on NATS. */
export class Operator implements AsyncDisposable {
  readonly #nc: NatsConnection;
  readonly #forward: AsyncDisposable;

  private constructor(nc: NatsConnection, forward: AsyncDisposable) {
    this.#nc = nc;
    this.#forward = forward;
  }

  static async open(installation: Installation): Promise<Operator> {
    const forward = await installation.nats();
    try {
      return new Operator(await connectAs('operator', forward.url), forward);
    } catch (error) {
      await forward[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The games that a simulation process hosts, in its own words. */
  async gamesOn(pod: string): Promise<readonly HostedGame[]> {
    const answer = await this.#nc.request(subjectsFor(PARTITIONS).sim(podId(pod), 'list'), '{}', {
      timeout: 10_000,
    });
    const result = decode(reply(simGames), answer.json());
    if (!result.ok || !result.value.ok) throw new Error(`${pod} answered ${answer.string()}`);
    return result.value.games;
  }

  /** What `breakwater games move` does. */
  async move(game: string, to: string): Promise<void> {
    const subject = subjectsFor(PARTITIONS).matchOperation('move');
    const answer = await this.#nc.request(subject, JSON.stringify({ game, to }), { timeout: 15_000 });
    const result = decode(reply(matchMoved), answer.json());
    if (!result.ok || !result.value.ok) throw new Error(`${game} was not moved: ${answer.string()}`);
  }

  async gamesOnAll(pods: readonly string[]): Promise<readonly HostedGame[]> {
    return (await Promise.all(pods.map((pod) => this.gamesOn(pod)))).flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#nc.close();
    await this.#forward[Symbol.asyncDispose]();
  }
}

/** A connection as one of the installation's NATS users; `url` has its login. */
export async function connectAs(user: NatsUser, url: string) {
  const { host, username, password } = new URL(url);
  return await connect({ servers: host, user: username, pass: password, inboxPrefix: inboxPrefixOf(user) });
}
