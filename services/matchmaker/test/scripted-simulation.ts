import {
  digestOf,
  type HostedGame,
  podId,
  type SimHost,
  type SimHosted,
  type SimRelease,
  type SimStatus,
  type SimWarm,
  type SimWarmed,
  simGames,
  simHost,
  simList,
  simRelease,
  simWarm,
  subjectsFor,
} from '@breakwater/bus';
import {
  BusError,
  connectBus,
  createLogOutput,
  kitMetrics,
  MetricRegistry,
  type NatsBus,
  ReplyError,
} from '@breakwater/service-kit';

const HEARTBEAT_MS = 100;
const subjects = subjectsFor(4);

const { log } = createLogOutput({ service: 'test', instance: 'test', level: 'silent' });

/** A bus of a test's own. */
export function testBus(url: string, name: string): Promise<NatsBus> {
  const metrics = new MetricRegistry().register(kitMetrics);
  return connectBus({ servers: url.split(','), name, log, metrics });
}

/** A claim in the log of a game. */
export interface LoggedClaim {
  readonly game: string;
  readonly epoch: number;
  readonly pod: string;
}

/** The logs of all games: the highest claim of each, shared by the processes of one test. */
export class Claims {
  readonly epochs = new Map<string, number>();
  readonly ended = new Set<string>();
  /** All claims, in order. */
  readonly log: LoggedClaim[] = [];
}

export interface SimulationScript {
  readonly maxGames?: number;
  readonly types?: SimStatus['types'];
  readonly hostDelayMs?: number;
  /** Answers in place of hosting, where it returns something. */
  readonly onHost?: (request: SimHost) => SimHosted | undefined;
  readonly onWarm?: (request: SimWarm) => SimWarmed | undefined;
  /** Runs before the game is given up; may never end. */
  readonly onRelease?: (request: SimRelease) => void | Promise<void>;
  readonly node?: string;
}

/** Stands in for a simulation process on a real bus: it claims, refuses and reports by the same rules. */
export class ScriptedSimulation implements AsyncDisposable {
  readonly pod: string;
  readonly hosted = new Map<string, HostedGame>();
  readonly hostRequests: SimHost[] = [];
  readonly warmRequests: SimWarm[] = [];
  readonly releaseRequests: SimRelease[] = [];
  load = 0.1;
  tickP99Ms = 1;
  maxGames: number;
  isDraining = false;
  readonly #bus: NatsBus;
  readonly #claims: Claims;
  readonly #script: SimulationScript;
  /** Games that are warm hold a place. */
  readonly #warmGames = new Set<string>();
  readonly #changed = new Map<string, HostedGame>();
  readonly #incarnation = Math.random().toString(36).slice(2);
  #timer: NodeJS.Timeout | undefined;
  #n = 0;

  /** Heartbeats so far. */
  get beats(): number {
    return this.#n;
  }

  #isPaused = false;
  #losesNext = false;

  /** Resolves when NATS has its connection and its subscriptions. @throws Error while it has not */
  async reach(): Promise<void> {
    if (!this.#bus.isConnected) throw new Error(`${this.pod} is not connected`);
    await this.#bus.flush();
  }

  /** Some process, seen from another connection, answers for this one. */
  async isListenedFor(bus: NatsBus): Promise<boolean> {
    try {
      await bus.request(subjects.sim(podId(this.pod), 'list'), {}, { decode: simGames, timeoutMs: 2_000 });
      return true;
    } catch (error) {
      return !(error instanceof BusError && error.code === 'no_responders');
    }
  }

  private constructor(pod: string, bus: NatsBus, claims: Claims, script: SimulationScript) {
    this.pod = pod;
    this.#bus = bus;
    this.#claims = claims;
    this.#script = script;
    this.maxGames = script.maxGames ?? 100;
  }

  static async start(
    url: string,
    pod: string,
    claims: Claims,
    script: SimulationScript = {},
  ): Promise<ScriptedSimulation> {
    const simulation = new ScriptedSimulation(pod, await testBus(url, pod), claims, script);
    await simulation.#begin();
    return simulation;
  }

  async #begin(): Promise<void> {
    const pod = podId(this.pod);
    this.#bus.handle(subjects.sim(pod, 'host'), { decode: simHost, maxInFlight: 10_000 }, (request) =>
      this.#whileAwake(() => this.#host(request)),
    );
    this.#bus.handle(subjects.sim(pod, 'list'), { decode: simList }, () =>
      this.#whileAwake(() => ({ games: [...this.hosted.values()] })),
    );
    this.#bus.handle(subjects.sim(pod, 'warm'), { decode: simWarm, maxInFlight: 10_000 }, (request) =>
      this.#whileAwake(() => this.#warm(request)),
    );
    this.#bus.handle(subjects.sim(pod, 'release'), { decode: simRelease, maxInFlight: 10_000 }, (request) =>
      this.#whileAwake(() => this.#release(request)),
    );
    await this.#bus.flush();
    this.#timer = setInterval(() => this.#beat(), HEARTBEAT_MS);
    this.#beat();
  }

  /** Says so at once, and goes on hosting. */
  drain(): void {
    this.isDraining = true;
    this.#beat();
  }

  /** Hosts nothing from now on, says so, and is gone. */
  async leave(): Promise<void> {
    this.hosted.clear();
    this.#changed.clear();
    this.#beat(true);
    await this[Symbol.asyncDispose]();
  }

  /** Like SIGSTOP: connected, silent, answers nothing. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  /** Changes a hosted game's line and reports it with the next heartbeat. */
  report(game: string, change: Partial<HostedGame>): void {
    const before = this.hosted.get(game);
    if (before === undefined) throw new Error(`${this.pod} does not host ${game}`);
    const line = { ...before, ...change };
    if (line.state === 'ended') this.#claims.ended.add(game);
    if (line.state === 'ended' || line.state === 'failed') this.hosted.delete(game);
    else this.hosted.set(game, line);
    this.#changed.set(game, line);
  }

  /** The next heartbeat is sent and never arrives. */
  loseNextHeartbeat(): void {
    this.#losesNext = true;
  }

  /** Stops hosting without a word; only the digest shows it. */
  forget(game: string): void {
    this.hosted.delete(game);
  }

  async #whileAwake<T extends object>(answer: () => T | Promise<T>): Promise<T> {
    if (this.#isPaused) await new Promise(() => undefined);
    return answer();
  }

  async #host(request: SimHost): Promise<SimHosted> {
    this.hostRequests.push(request);
    if (this.#script.hostDelayMs !== undefined)
      await new Promise((resolve) => setTimeout(resolve, this.#script.hostDelayMs));
    const scripted = this.#script.onHost?.(request);
    if (scripted !== undefined) return scripted;
    const { game, epoch, type, schemaVersion } = request;
    const claimed = this.#claims.epochs.get(game) ?? 0;
    if (this.#claims.ended.has(game)) return { outcome: 'refused', refusal: 'ended', epoch: claimed };
    if (claimed >= epoch) return { outcome: 'refused', refusal: 'claimed', epoch: claimed };
    const isWarm = this.#warmGames.delete(game);
    if (!isWarm && this.hosted.size + this.#warmGames.size >= this.maxGames)
      return { outcome: 'refused', refusal: 'no_capacity', epoch: claimed };
    this.#claims.epochs.set(game, epoch);
    this.#claims.log.push({ game, epoch, pod: this.pod });
    const line: HostedGame = { game, epoch, type, schemaVersion, players: 0, state: 'running' };
    this.hosted.set(game, line);
    this.#changed.set(game, line);
    return { outcome: 'hosted', epoch };
  }

  #warm(request: SimWarm): SimWarmed {
    this.warmRequests.push(request);
    const scripted = this.#script.onWarm?.(request);
    if (scripted !== undefined) return scripted;
    if (this.hosted.size + this.#warmGames.size >= this.maxGames)
      return { outcome: 'refused', refusal: 'no_capacity' };
    this.#warmGames.add(request.game);
    return { outcome: 'warm' };
  }

  async #release(request: SimRelease): Promise<{ seq: number }> {
    this.releaseRequests.push(request);
    await this.#script.onRelease?.(request);
    if (this.hosted.get(request.game)?.epoch !== request.epoch)
      throw new ReplyError('game_not_found', 'not here');
    this.hosted.delete(request.game);
    return { seq: 1_000 + request.epoch };
  }

  #beat(isLeaving = false): void {
    if (this.#isPaused) return;
    this.#n += 1;
    const status: SimStatus = {
      pod: this.pod,
      ...(this.#script.node === undefined ? {} : { node: this.#script.node }),
      incarnation: this.#incarnation,
      n: this.#n,
      types: this.#script.types ?? [{ type: 'world', schemaVersion: 1, maxPlayers: 4 }],
      games: this.hosted.size,
      maxGames: this.maxGames,
      load: this.load,
      tickP99Ms: this.tickP99Ms,
      digest: digestOf(this.hosted.values()),
      isDraining: this.isDraining,
      isLeaving,
      changed: [...this.#changed.values()],
    };
    this.#changed.clear();
    if (!this.#losesNext) this.#bus.publish(subjects.simStatus(), status);
    this.#losesNext = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#bus.drain(500);
  }
}
