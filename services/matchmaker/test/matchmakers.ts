import {
  type GameEntry,
  gameEntry,
  type LeaderRecord,
  leaderRecord,
  type MatchOperation,
  type MatchVerb,
  matchedGame,
  matchGames,
  matchMoved,
  matchProcesses,
  matchTypes,
  subjectsFor,
} from '@breakwater/bus';
import {
  type Bucket,
  BusError,
  type NatsBus,
  type RunningService,
  startService,
} from '@breakwater/service-kit';
import { type NatsServer, type ServiceProcess, spawnService, startNats } from '@breakwater/testkit';
import { app } from '../src/app.ts';
import { schema } from '../src/config.ts';
import { Claims, ScriptedSimulation, type SimulationScript, testBus } from './scripted-simulation.ts';

const subjects = subjectsFor(4);

export const FAST_SETTINGS = {
  BREAKWATER_MATCHMAKER_HEARTBEAT_MS: '100',
  BREAKWATER_MATCHMAKER_HOST_TIMEOUT_MS: '600',
  BREAKWATER_MATCHMAKER_LIST_TIMEOUT_MS: '300',
  BREAKWATER_MATCHMAKER_CLAIM_REPORT_MS: '500',
  BREAKWATER_MATCHMAKER_COUNTS_WRITE_MS: '100',
  BREAKWATER_MATCHMAKER_LIST_INTERVAL_MS: '100',
  BREAKWATER_MATCHMAKER_LEADER_LIMIT_MS: '500',
  BREAKWATER_MATCHMAKER_LEADER_TAKEOVER_MS: '800',
  BREAKWATER_MATCHMAKER_REPIN_RETRY_MS: '200',
  BREAKWATER_MATCHMAKER_MOVE_RETRY_MS: '200',
} as const;

/** Nobody does what another one is at because that takes long: for tests that count who does what. */
export const UNRIVALLED_SETTINGS = {
  BREAKWATER_MATCHMAKER_HOST_TIMEOUT_MS: '10000',
  BREAKWATER_MATCHMAKER_CLAIM_REPORT_MS: '5000',
  BREAKWATER_MATCHMAKER_LEADER_FIRST_MS: '10000',
  BREAKWATER_MATCHMAKER_LEADER_LIMIT_MS: '5000',
  BREAKWATER_MATCHMAKER_LEADER_TAKEOVER_MS: '8000',
} as const;

/** A nats-server with matchmakers and scripted simulation processes on it. */
export class TestBed implements AsyncDisposable {
  readonly nats: NatsServer;
  readonly bus: NatsBus;
  readonly claims = new Claims();
  readonly #stack = new AsyncDisposableStack();

  private constructor(nats: NatsServer, bus: NatsBus) {
    this.nats = nats;
    this.bus = bus;
  }

  static async start(): Promise<TestBed> {
    const nats = await startNats();
    const bed = new TestBed(nats, await testBus(nats.url, 'test'));
    bed.#stack.use(nats);
    bed.#stack.use(bed.bus);
    return bed;
  }

  async matchmaker(settings: Readonly<Record<string, string>> = {}): Promise<RunningService> {
    const service = await startService({
      name: 'matchmaker',
      schema,
      readyWithoutNats: false,
      app,
      env: {
        BREAKWATER_NATS_URL: this.nats.url,
        BREAKWATER_HTTP_HOST: '127.0.0.1',
        BREAKWATER_HTTP_PORT: '0',
        BREAKWATER_LOG_LEVEL: 'silent',
        ...FAST_SETTINGS,
        ...settings,
      },
    });
    return this.#stack.use(service);
  }

  /** A matchmaker in a process of its own, which can be killed and paused. */
  async matchmakerProcess(
    instance: string,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<ServiceProcess> {
    const child = await spawnService('matchmaker', {
      label: instance,
      readyTimeoutMs: 60_000,
      env: {
        BREAKWATER_NATS_URL: this.nats.url,
        BREAKWATER_INSTANCE: instance,
        BREAKWATER_HTTP_HOST: '127.0.0.1',
        BREAKWATER_HTTP_PORT: '0',
        ...FAST_SETTINGS,
        ...settings,
      },
    });
    return this.#stack.use(child);
  }

  /** @param url another way to the same nats-server */
  async simulation(pod: string, script?: SimulationScript, url = this.nats.url): Promise<ScriptedSimulation> {
    return this.#stack.use(await ScriptedSimulation.start(url, pod, this.claims, script));
  }

  create(user: string, key: string, more: object = {}) {
    return this.#ask('create', { user, key, type: 'world', ...more }, matchedGame);
  }

  quick(user: string, key: string, type = 'world') {
    return this.#ask('quick', { user, key, type }, matchedGame);
  }

  find(game: string) {
    return this.#ask('find', { game }, matchedGame);
  }

  async list(type?: string) {
    return (await this.#ask('list', type === undefined ? {} : { type }, matchGames)).games;
  }

  async types() {
    return (await this.#ask('types', {}, matchTypes)).types;
  }

  move(game: string, to?: string) {
    return this.#operate('move', to === undefined ? { game } : { game, to }, matchMoved);
  }

  async processes() {
    return (await this.#operate('processes', {}, matchProcesses)).processes;
  }

  /** The leader's key as it is. */
  async leader(): Promise<LeaderRecord | undefined> {
    const bucket = await this.bus.openBucket<LeaderRecord>(
      { name: 'leader', replicas: 1 },
      { decode: leaderRecord },
    );
    return (await bucket.get('leader'))?.value;
  }

  games(): Promise<Bucket<GameEntry>> {
    return this.bus.openBucket<GameEntry>({ name: 'games', replicas: 1 }, { decode: gameEntry });
  }

  async entry(game: string): Promise<GameEntry | undefined> {
    return (await (await this.games()).get(game))?.value;
  }

  /** The raw question, also for questions that are wrong. */
  #ask<T>(verb: MatchVerb, body: object, decode: (value: unknown) => T) {
    return this.bus.request(subjects.match(verb), body, { decode, timeoutMs: 15_000 });
  }

  #operate<T>(operation: MatchOperation, body: object, decode: (value: unknown) => T) {
    return this.bus.request(subjects.matchOperation(operation), body, { decode, timeoutMs: 15_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** The error code with which a request is refused; fails when it is not. */
export async function refusalOf(request: Promise<unknown>): Promise<string> {
  try {
    await request;
  } catch (error) {
    if (error instanceof BusError) return error.remote?.code ?? error.code;
    throw error;
  }
  throw new Error('the request was not refused');
}
