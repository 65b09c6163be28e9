import {
  type DeltaRecord,
  encodeGameRecord,
  encodeStateReply,
  type GameId,
  type GameInput,
  gameId,
  gameInput,
  gameStream,
  gameStreamName,
  livePosition,
  matchFind,
  QUEUES,
  type RecordHead,
  type Slice,
  type StateParts,
  subjectsFor,
} from '@breakwater/bus';
import { type BusSubscription, type NatsBus, ReplyError } from '@breakwater/service-kit';

const utf8 = new TextEncoder();
export const bytesOf = (text: string): Uint8Array => utf8.encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const partsOf = (shared: string, slices: readonly Slice[] = []): StateParts => ({
  shared: bytesOf(shared),
  server: bytesOf('server only'),
  slices,
});

export interface Step {
  readonly shared: string;
  readonly slices?: Readonly<Record<number, string>>;
  /** All of the game, in a new version: what was before it is not shown any more. */
  readonly isWhole?: true;
}

export interface GameTraits {
  /** Its deltas are only published, on `.live`. */
  readonly isVolatile?: boolean;
}

/**
 * Plays the owner of one game on a real bus. Its state is the list of what was appended, as text, so that a test can
 * read off a client's frames what that client would show.
 */
export class ScriptedGame {
  readonly id: GameId;
  readonly inputs: GameInput[] = [];
  readonly #bus: NatsBus;
  readonly #partitions: number;
  readonly #subjects;
  readonly #isVolatile: boolean;
  epoch = 1;
  pod = 'pod-1';
  lastSeq = 0;
  /** JSON text that answers carry. */
  schema = '{"tables":[]}';
  /** What every record held in the shared part, in order. */
  readonly steps: string[] = [];
  /** Highest number that a client of the test joined with. */
  joins = 0;
  readonly #pids = new Map<string, number>();
  #n = 0;
  #liveN = 0;
  #isUnheard = false;
  #tick = 0;
  #owner: BusSubscription | undefined;
  /** Runs after the state of an answer was taken and before it is sent. */
  beforeAnswer: () => Promise<void> = async () => undefined;
  refuseJoins: string | undefined;
  /** Hears everything and answers nothing, as when its process is paused. */
  isMute = false;

  constructor(bus: NatsBus, partitions: number, id: string, { isVolatile = false }: GameTraits = {}) {
    this.#bus = bus;
    this.#isVolatile = isVolatile;
    this.#partitions = partitions;
    this.#subjects = subjectsFor(partitions);
    this.id = gameId(id);
  }

  static async createStreams(bus: NatsBus, partitions: number): Promise<void> {
    const limits = { replicas: 1, maxBytes: 64 * 1_048_576, maxRecordsPerGame: 100_000 };
    for (let partition = 0; partition < partitions; partition++)
      await bus.ensureStream(gameStream(partition, limits));
  }

  /** Appends the claim of the current epoch and begins to answer. */
  async own(): Promise<void> {
    this.#n = 0;
    this.#liveN = 0;
    const details = JSON.stringify({ options: {}, seed: 1 });
    await this.#append({
      kind: 'claim',
      ...this.#head(),
      pod: this.pod,
      type: 'test',
      schemaVersion: 1,
      details,
    });
    this.#owner = this.#bus.subscribe(this.#subjects.gameIn(this.id), {}, async (message) => {
      const input = gameInput(message.json());
      this.inputs.push(input);
      if (this.isMute || (input.kind !== 'join' && input.kind !== 'sync')) return;
      if (input.kind === 'join' && this.refuseJoins !== undefined) {
        message.respond({ ok: false, error: { code: this.refuseJoins, message: 'refused' } });
        return;
      }
      const reply = await this.#reply(input);
      await this.beforeAnswer();
      message.respond(reply);
    });
    await this.#bus.flush();
  }

  /** Answers nothing any more, as when its process is gone. */
  async vanish(): Promise<void> {
    this.#owner?.unsubscribe();
    await this.#bus.flush();
  }

  async step({ shared, slices = {}, isWhole }: Step): Promise<void> {
    this.#tick += 1;
    const list: Slice[] = Object.entries(slices).map(([pid, text]) => ({
      pid: Number(pid),
      bytes: bytesOf(text),
    }));
    const parts = partsOf(shared, list);
    if (isWhole) this.steps.length = 0;
    this.steps.push(shared);
    const delta = { kind: 'delta', tick: this.#tick, ...(isWhole && { isWhole }), parts } as const;
    if (!this.#isVolatile) await this.#append({ ...delta, ...this.#head() });
    else {
      this.#liveN += 1;
      await this.say(this.epoch, this.#liveN, delta);
    }
  }

  /** Publishes a delta of a volatile game, as any owner of it might. */
  async say(
    epoch: number,
    n: number,
    delta: Omit<DeltaRecord, keyof RecordHead> = { kind: 'delta', tick: 1, parts: partsOf(`stray ${n}`) },
  ): Promise<void> {
    if (this.#isUnheard) return;
    const record = encodeGameRecord({ ...delta, epoch, nonce: `nonce-${epoch}`, n });
    this.#bus.publish(this.#subjects.gameLive(this.id), record);
    await this.#bus.flush();
  }

  /** The place that clients are told, of the newest step. */
  get position(): number {
    return this.#isVolatile ? livePosition(this.epoch, this.#liveN) : this.lastSeq;
  }

  /** A volatile game goes on in another process, from what a snapshot of it held. */
  async fallBack(steps: readonly string[], seats: readonly string[]): Promise<void> {
    await this.vanish();
    this.epoch += 1;
    this.pod = `pod-${this.epoch}`;
    this.steps.splice(0, this.steps.length, ...steps);
    this.#pids.clear();
    for (const user of seats) this.pidOf(user);
    await this.own();
  }

  async end(reason: string): Promise<void> {
    await this.#append({ kind: 'end', ...this.#head(), reason });
  }

  /** A step of a volatile game that reaches nobody. */
  async loseStep(step: Step): Promise<void> {
    this.#isUnheard = true;
    await this.step(step);
    this.#isUnheard = false;
  }

  /** Stores records whose republication is lost. */
  async unheard(work: () => Promise<void>): Promise<void> {
    const stream = gameStreamName(this.id, this.#partitions);
    const options = { decode: (value: unknown) => value as { config: object }, timeoutMs: 5_000 };
    const { config } = await this.#bus.request(`$JS.API.STREAM.INFO.${stream}`, '', options);
    await this.#bus.request(`$JS.API.STREAM.UPDATE.${stream}`, { ...config, republish: null }, options);
    await work();
    await this.#bus.request(`$JS.API.STREAM.UPDATE.${stream}`, config, options);
  }

  /** Deletes all records but the newest. */
  async forget(): Promise<void> {
    const stream = gameStreamName(this.id, this.#partitions);
    await this.#bus.purgeSubject(stream, this.#subjects.gameLog(this.id), { keep: 1 });
  }

  pidOf(user: string): number {
    const pid = this.#pids.get(user) ?? this.#pids.size + 1;
    this.#pids.set(user, pid);
    return pid;
  }

  #head() {
    this.#n += 1;
    return { epoch: this.epoch, nonce: `nonce-${this.epoch}`, n: this.#n - 1 };
  }

  async #append(record: Parameters<typeof encodeGameRecord>[0]): Promise<void> {
    const result = await this.#bus.commit(this.#subjects.gameLog(this.id), encodeGameRecord(record), {
      expectedLastSubjectSeq: this.lastSeq,
    });
    if (result.kind !== 'stored') throw new Error(`not stored: ${JSON.stringify(result)}`);
    this.lastSeq = result.seq;
  }

  async #reply(input: Extract<GameInput, { kind: 'join' | 'sync' }>): Promise<Uint8Array> {
    const isPlayer = input.kind === 'join' && !input.spectate;
    const pid = isPlayer ? this.pidOf(input.user) : 0;
    const pids = input.kind === 'join' ? [pid].filter((id) => id !== 0) : input.pids;
    return encodeStateReply({
      epoch: this.epoch,
      seq: this.lastSeq,
      tick: this.#tick,
      pod: this.pod,
      join: isPlayer ? input.join : 0,
      pid,
      ack: isPlayer ? 4 : 0,
      schema: this.schema,
      ...(this.#isVolatile && { liveN: this.#liveN }),
      parts: {
        shared: bytesOf(this.steps.join('|')),
        server: new Uint8Array(0),
        slices: pids.map((id) => ({ pid: id, bytes: bytesOf(`private ${id}`) })),
      },
    });
  }
}

/** Plays the matchmaker for some games. */
export class ScriptedMatch {
  readonly found: string[] = [];
  /** Runs when an edge asks for a game; throw `ReplyError` to refuse. */
  onFind: (game: string) => Promise<void> = async () => {
    throw new ReplyError('game_not_found', 'no such game');
  };

  constructor(bus: NatsBus, partitions: number) {
    const subjects = subjectsFor(partitions);
    const queue = QUEUES.match;
    bus.handle(subjects.match('find'), { decode: matchFind, queue }, async ({ game }) => {
      this.found.push(game);
      await this.onFind(game);
      return { info: gameInfoOf(game), isNew: false };
    });
    const created = (value: unknown) => value as { user: string; key: string; type: string };
    bus.handle(subjects.match('create'), { decode: created, queue }, ({ key }) => ({
      info: gameInfoOf(key),
      isNew: true,
    }));
    bus.handle(subjects.match('quick'), { decode: created, queue }, ({ key }) => ({
      info: gameInfoOf(key),
      isNew: false,
    }));
    bus.handle(subjects.match('list'), { decode: created, queue }, () => ({ games: [gameInfoOf('g')] }));
    bus.handle(subjects.match('types'), { decode: created, queue }, () => ({ types: ['test'] }));
  }
}

export function gameInfoOf(game: string) {
  return { game, type: 'test', title: game, players: 0, maxPlayers: 8, epoch: 1, state: 'running' };
}
