/** Simulation processes in this process, on a real nats-server, and a bare NATS connection to talk to them. */

import { fileURLToPath } from 'node:url';
import {
  decodeGameRecord,
  decodeStateReply,
  edgeId,
  type GameInput,
  type GameRecord,
  gameId,
  gameStreamName,
  podId,
  type SimHost,
  type SimHosted,
  type SimStatus,
  type SimWarm,
  type SimWarmed,
  type StateReply,
  simGames,
  simHosted,
  simReleased,
  simStatus,
  simWarmed,
  snapshotStreamName,
  subjectsFor,
} from '@breakwater/bus';
import {
  connectBus,
  createLogOutput,
  kitMetrics,
  MetricRegistry,
  type NatsBus,
  type RunningService,
  startService,
} from '@breakwater/service-kit';
import { type NatsServer, startNats } from '@breakwater/testkit';
import { app } from '../src/app.ts';
import { schema } from '../src/config.ts';

const EDGES = ['edge-1', 'edge-2'];
export const PARTITIONS = 2;
export const subjects = subjectsFor(PARTITIONS);
export const FIXTURE_GAMES = fileURLToPath(new URL('./games', import.meta.url));
const FAST = {
  BREAKWATER_PARTITIONS: String(PARTITIONS),
  BREAKWATER_HTTP_PORT: '0',
  BREAKWATER_HTTP_HOST: '127.0.0.1',
  BREAKWATER_SIMULATION_GAME_FOLDERS: `games,${FIXTURE_GAMES}`,
  BREAKWATER_SIMULATION_HEARTBEAT_MS: '50',
};

export const silent = () =>
  createLogOutput({ service: 'test', instance: 'test', level: 'silent', bufferBytes: 65_536 });

export function simEnv(
  nats: NatsServer,
  pod: string,
  env: Record<string, string> = {},
): Record<string, string> {
  return { ...FAST, BREAKWATER_NATS_URL: nats.url, BREAKWATER_INSTANCE: pod, ...env };
}

/** A nats-server, a connection to it and any number of simulation processes inside this one. */
export class Sims implements AsyncDisposable {
  readonly nats: NatsServer;
  readonly bus: NatsBus;
  readonly #running: RunningService[] = [];
  readonly #silentEdges = new Set<string>();
  /** By game and pid: the newest join that was answered. */
  readonly #joins = new Map<string, number>();
  readonly #heartbeats: NodeJS.Timeout;

  private constructor(nats: NatsServer, bus: NatsBus) {
    this.nats = nats;
    this.bus = bus;
    this.#heartbeats = setInterval(() => this.#beat(), 200);
  }

  static async start(given?: NatsServer): Promise<Sims> {
    const nats = given ?? (await startNats());
    const { log } = silent();
    const metrics = new MetricRegistry().register(kitMetrics);
    return new Sims(nats, await connectBus({ servers: nats.urls, name: 'test', log, metrics }));
  }

  /** An edge of the tests stops sending heartbeats. */
  silence(edge: string): void {
    this.#silentEdges.add(edge);
  }

  unsilence(edge: string): void {
    this.#silentEdges.delete(edge);
  }

  #beat(): void {
    for (const edge of EDGES) {
      if (this.#silentEdges.has(edge)) continue;
      const heartbeat = { kind: 'heartbeat', edge, incarnation: 'one', version: 0 };
      this.bus.publish(subjects.edgePresence(edgeId(edge)), heartbeat);
    }
  }

  async pod(pod: string, env: Record<string, string> = {}): Promise<RunningService> {
    const running = await startService({
      name: 'simulation',
      schema,
      readyWithoutNats: false,
      app,
      env: { BREAKWATER_LOG_LEVEL: 'silent', ...simEnv(this.nats, pod, env) },
    });
    this.#running.push(running);
    return running;
  }

  host(pod: string, game: string, more: Partial<SimHost> = {}): Promise<SimHosted> {
    const request = { game, epoch: 1, type: 'world', schemaVersion: 1, options: {}, seed: 7, ...more };
    return this.bus.request(subjects.sim(podId(pod), 'host'), request, {
      decode: simHosted,
      timeoutMs: 10_000,
    });
  }

  warm(pod: string, game: string, more: Partial<SimWarm> = {}): Promise<SimWarmed> {
    const request = { game, type: 'world', schemaVersion: 1, ...more };
    const options = { decode: simWarmed, timeoutMs: 10_000 };
    return this.bus.request(subjects.sim(podId(pod), 'warm'), request, options);
  }

  async release(pod: string, game: string, epoch: number): Promise<number> {
    const request = { game, epoch };
    const options = { decode: simReleased, timeoutMs: 10_000 };
    return (await this.bus.request(subjects.sim(podId(pod), 'release'), request, options)).seq;
  }

  async list(pod: string) {
    return (
      await this.bus.request(subjects.sim(podId(pod), 'list'), {}, { decode: simGames, timeoutMs: 5_000 })
    ).games;
  }

  /** Rejects with a `BusError`, `remote` when the owner refuses. */
  join(
    game: string,
    user: string,
    join = 1,
    more: { spectate?: boolean; edge?: string } = {},
  ): Promise<StateReply> {
    const { spectate = false, edge = 'edge-1' } = more;
    return this.ask(game, { kind: 'join', edge, session: `s-${user}`, user, name: user, join, spectate });
  }

  async ask(game: string, input: GameInput, timeoutMs = 5_000): Promise<StateReply> {
    const options = { decodeBytes: stateReply, timeoutMs };
    const reply = await this.bus.request(subjects.gameIn(gameId(game)), input, options);
    const key = `${game}/${reply.pid}`;
    this.#joins.set(key, Math.max(reply.join, this.#joins.get(key) ?? 0));
    return reply;
  }

  send(game: string, input: GameInput): void {
    this.bus.publish(subjects.gameIn(gameId(game)), input);
  }

  /** From the player's newest session that was answered, if no other is named. */
  command(
    game: string,
    pid: number,
    n: number,
    name: string,
    args: Record<string, unknown> = {},
    join = this.#joins.get(`${game}/${pid}`) ?? 1,
  ): void {
    this.send(game, { kind: 'command', pid, join, n, name, args });
  }

  async log(game: string): Promise<{ seq: number; record: GameRecord }[]> {
    const options = { fromSeq: 1, limit: 100_000, maxBytes: 100_000_000 };
    const page = await this.bus.readSubject(this.gameStream(game), subjects.gameLog(gameId(game)), options);
    return page.messages.map(({ seq, data }) => ({ seq, record: gameRecord(data) }));
  }

  gameStream(game: string): string {
    return gameStreamName(gameId(game), PARTITIONS);
  }

  snapshotStream(game: string): string {
    return snapshotStreamName(gameId(game), PARTITIONS);
  }

  onStatus(hear: (status: SimStatus) => void): void {
    this.bus.subscribe(subjects.simStatus(), {}, (message) => hear(simStatus(message.json())));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#heartbeats);
    this.nats.resume();
    await Promise.all(this.#running.map((service) => service.shutdown({ drain: false })));
    await this.bus.drain();
    await this.nats.stop();
  }
}

function stateReply(bytes: Uint8Array): StateReply {
  const decoded = decodeStateReply(Uint8Array.from(bytes));
  if (!decoded.ok) throw decoded.error;
  return decoded.value;
}

export function gameRecord(bytes: Uint8Array): GameRecord {
  const decoded = decodeGameRecord(bytes);
  if (!decoded.ok) throw decoded.error;
  return decoded.value;
}
