import {
  BUCKETS,
  type GameEntry,
  gameEntry,
  gameId,
  type MatchMoved,
  type MatchOperation,
  type MatchProcesses,
  matchMoved,
  matchProcesses,
  podId,
  reply,
  type Subjects,
  subjectsFor,
} from '@breakwater/bus';
import { type Decoder, decode, parseJson } from '@breakwater/protocol';
import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import { RequestError, TimeoutError } from '@nats-io/transport-node';
import { type Installation, openInstallation } from '../check-logs/installation.ts';
import { NatsSource } from '../check-logs/nats-source.ts';
import type { RecordSource, StoredRecord } from '../check-logs/sources.ts';
import { CommandError, messageOf } from '../command.ts';

/** A process as the matchmaker sees it. */
export type ProcessRow = MatchProcesses['processes'][number];

const PROCESSES_TIMEOUT_MS = 3_000;
/** The successor loads the game before it is handed over. */
const MOVE_TIMEOUT_MS = 60_000;

/** An installation in the eyes of its operator: the registry, the logs, and what can be asked of the matchmaker. */
export class Operator implements AsyncDisposable {
  readonly records: RecordSource;
  readonly #installation: Installation;
  readonly #source: NatsSource;
  readonly #subjects: Subjects;

  private constructor(installation: Installation) {
    this.#installation = installation;
    this.#source = new NatsSource(installation);
    this.records = this.#source;
    this.#subjects = subjectsFor(installation.partitions);
  }

  /** @throws CommandError when there is no server, or no installation on it */
  static async open(nats: string): Promise<Operator> {
    try {
      return new Operator(await openInstallation({ nats, name: 'breakwater-games' }));
    } catch (error) {
      throw new CommandError(`The installation cannot be reached: ${messageOf(error)}.`);
    }
  }

  /** Every game of the registry, by id. @throws CommandError when it cannot be read */
  async games(): Promise<GameEntry[]> {
    const { jsm, nc } = this.#installation;
    const stream = `KV_${BUCKETS.games.name}`;
    const info = await jsm.streams.info(stream).catch((error: unknown) => {
      throw new CommandError(`The registry of games cannot be read: ${messageOf(error)}.`);
    });
    if (info.state.messages === 0) return [];
    const consumer = await jetstream(nc).consumers.get(stream, {
      deliver_policy: DeliverPolicy.LastPerSubject,
    });
    const messages = await consumer.consume({ max_messages: 1_000 });
    const entries: GameEntry[] = [];
    try {
      for await (const message of messages) {
        const entry = entryOf(message.data);
        if (entry !== undefined) entries.push(entry);
        if (message.info.pending === 0) break;
      }
    } finally {
      await messages.close();
      await consumer.delete().catch(() => false);
    }
    return entries.sort((a, b) => (a.game < b.game ? -1 : 1));
  }

  /** The registry's entry of a game, or undefined. @throws CommandError for an id that is none */
  async game(game: string): Promise<GameEntry | undefined> {
    const id = checkedId(game);
    const { name } = BUCKETS.games;
    const message = await this.#installation.jsm.streams.getMessage(`KV_${name}`, {
      last_by_subj: `$KV.${name}.${id}`,
    });
    return message === null ? undefined : entryOf(message.data);
  }

  /** The newest record of a game's log, or undefined. @throws Error when the stream cannot be read */
  lastRecord(game: string): Promise<StoredRecord | undefined> {
    return this.#source.lastOfGame(checkedId(game));
  }

  /** Simulation processes, or undefined when no matchmaker answers. */
  async processes(): Promise<readonly ProcessRow[] | undefined> {
    try {
      return (await this.#ask('processes', {}, matchProcesses, PROCESSES_TIMEOUT_MS)).processes;
    } catch {
      return undefined;
    }
  }

  /** Moves a game to another process. @throws CommandError with the matchmaker's reason */
  async move(game: string, to: string | undefined): Promise<MatchMoved> {
    const target = to === undefined ? {} : { to: checkedPod(to) };
    return this.#ask('move', { game: checkedId(game), ...target }, matchMoved, MOVE_TIMEOUT_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source[Symbol.asyncDispose]();
  }

  async #ask<T extends object>(
    operation: MatchOperation,
    body: object,
    decoder: Decoder<T>,
    timeoutMs: number,
  ): Promise<T> {
    const text = await this.#request(operation, JSON.stringify(body), timeoutMs);
    const answer = decode((value) => reply(decoder)(parseJson(value as string)), text);
    if (!answer.ok)
      throw new CommandError(`The matchmaker answered something else: ${answer.error.sentence}.`);
    if (!answer.value.ok) {
      const { code, message } = answer.value.error;
      throw new CommandError(`The matchmaker refused (${code}): ${message}`);
    }
    return answer.value;
  }

  async #request(operation: MatchOperation, body: string, timeoutMs: number): Promise<string> {
    const subject = this.#subjects.matchOperation(operation);
    try {
      const message = await this.#installation.nc.request(subject, body, { timeout: timeoutMs });
      return message.string();
    } catch (error) {
      if (error instanceof RequestError && error.isNoResponders())
        throw new CommandError('No matchmaker is there to answer.');
      if (error instanceof TimeoutError)
        throw new CommandError(`The matchmaker did not answer within ${timeoutMs / 1_000} s.`);
      throw new CommandError(`The matchmaker cannot be asked: ${messageOf(error)}.`);
    }
  }
}

/** Undefined for the mark of a deleted key, and for what another version wrote. */
function entryOf(data: Uint8Array): GameEntry | undefined {
  const decoded = decode((value) => gameEntry(parseJson(value as string)), new TextDecoder().decode(data));
  return decoded.ok ? decoded.value : undefined;
}

function checkedId(game: string) {
  try {
    return gameId(game);
  } catch (error) {
    throw new CommandError(`"${game}" is ${messageOf(error)}.`);
  }
}

function checkedPod(pod: string) {
  try {
    return podId(pod);
  } catch (error) {
    throw new CommandError(`"${pod}" is ${messageOf(error)}.`);
  }
}
