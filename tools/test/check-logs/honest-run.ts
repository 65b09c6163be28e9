import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type DeltaRecord,
  encodeGameRecord,
  encodeSnapshot,
  type GameRecord,
  gameId,
  gameStream,
  roomId,
  roomStream,
  snapshotStream,
  subjectsFor,
} from '@breakwater/bus';
import { Replica } from '@breakwater/client';
import { createInstance, type GameInstance } from '@breakwater/game-kit';
import { world } from '@breakwater/game-world';
import { Bot } from '@breakwater/game-world/bot';
import type { PlayerRow, WorldRows } from '@breakwater/game-world/view';
import type { NatsBus } from '@breakwater/service-kit';
import type { LogLine } from '../../src/recorder/log-line.ts';
import { textHash } from '../../src/recorder/text-hash.ts';
import { ViewDigest } from '../../src/recorder/view-digest.ts';

export const PARTITIONS = 2;
const subjects = subjectsFor(PARTITIONS);
const LIMITS = { replicas: 1, maxBytes: 64 * 1024 * 1024 };

/** The streams of an installation, without the services. */
export async function createStreams(bus: NatsBus): Promise<void> {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const room = { ...LIMITS, maxMessagesPerRoom: 1_000, maxAgeMs: 0, duplicateWindowMs: 60_000 };
    await bus.ensureStream(roomStream(partition, room));
    await bus.ensureStream(gameStream(partition, { ...LIMITS, maxRecordsPerGame: 10_000 }));
    await bus.ensureStream(snapshotStream(partition, { ...LIMITS, maxSnapshotsPerGame: 3 }));
  }
}

export interface RunOptions {
  /** Called after each tick, before the delta is encoded: a place to cheat. */
  readonly cheat?: (instance: WorldInstance, tick: number) => void;
  /** What is stored in place of a record. */
  readonly store?: (record: GameRecord, index: number) => readonly GameRecord[];
  /** Options of the game, over those that every run has. */
  readonly options?: Partial<typeof OPTIONS>;
  /** Index of a message that is stored a second time. */
  readonly storeTwice?: number;
}

const OPTIONS = { objects: 60, regrowTicks: 40 };
const SEED = 7;
const TICKS = 160;
/** The tick after which another process is the owner. */
export const TAKEOVER_AT = 80;
const SNAPSHOT_AT = 60;
const JOIN_LATE_AT = 30;
const HASH_EVERY = 10;
const START_MS = 1_700_000_000_000;

export type WorldInstance = ReturnType<typeof newWorld>;

function newWorld(options: Partial<typeof OPTIONS> = {}) {
  return createInstance(world, { options: { ...OPTIONS, ...options }, seed: SEED });
}

interface Player {
  readonly pid: number;
  readonly bot: Bot;
  readonly replica: Replica<WorldRows>;
  readonly digest: ViewDigest;
  readonly lines: LogLine[];
  n: number;
}

/** A room and a game in which everything went as it must, stored in real streams, and the logs of its clients. */
export class HonestRun {
  readonly room: string;
  readonly game: string;
  /** Log lines by user. */
  readonly logs = new Map<string, LogLine[]>();
  /** Highest XP that anybody earned. */
  xp = 0;
  readonly #bus: NatsBus;
  readonly #options: RunOptions;
  #records = 0;
  #seq = 0;

  private constructor(bus: NatsBus, name: string, options: RunOptions) {
    this.#bus = bus;
    this.#options = options;
    this.room = `room-${name}`;
    this.game = `game-${name}`;
    for (const user of ['ann', 'bob'])
      this.logs.set(user, [
        { t: 'client', v: 1, user, at: START_MS },
        { t: 'state', connected: true, at: START_MS },
      ]);
  }

  static async make(bus: NatsBus, name: string, options: RunOptions = {}): Promise<HonestRun> {
    const run = new HonestRun(bus, name, options);
    await run.#chat();
    await run.#play();
    for (const lines of run.logs.values()) lines.push({ t: 'end', at: START_MS + 60_000 });
    return run;
  }

  lines(user: string): LogLine[] {
    return this.logs.get(user)!;
  }

  /** Writes the logs into a folder. */
  write(dir: string): void {
    for (const [user, lines] of this.logs)
      writeFileSync(join(dir, `${user}.jsonl`), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }

  async #chat(): Promise<void> {
    const { room } = this;
    for (const lines of this.logs.values()) lines.push({ t: 'room.join', room, after: 0, at: START_MS });
    for (let index = 0; index < 12; index++) {
      const user = index % 2 === 0 ? 'ann' : 'bob';
      await this.#say(user, `m${user}-00000000-${index}`, `hello ${index}`, index);
    }
    for (const lines of this.logs.values()) lines.push({ t: 'room.leave', room, at: START_MS + 50_000 });
  }

  async #say(user: string, msg: string, text: string, index: number): Promise<void> {
    const { room } = this;
    const hash = textHash(text);
    const at = START_MS + index * 100;
    const stamp = `s${index}`;
    const record = { kind: 'message', stamp, time: at, user, name: user, msg, text };
    const seq = await this.#store(subjects.roomLog(roomId(room)), JSON.stringify(record));
    if (this.#options.storeTwice === index)
      await this.#store(subjects.roomLog(roomId(room)), JSON.stringify({ ...record, stamp: 'again' }));
    const own = this.lines(user);
    own.push({ t: 'room.send', room, msg, hash, at });
    for (const lines of this.logs.values())
      lines.push({ t: 'room.message', room, seq, stamp, user, msg, hash, at });
    own.push({ t: 'room.ack', room, msg, seq, at });
  }

  async #play(): Promise<void> {
    const instance = newWorld(this.#options.options);
    const players: Player[] = [];
    let head = { epoch: 1, nonce: 'one', n: 0 };
    await this.#append({ kind: 'claim', ...head, ...this.#claim('sim-a') });
    for (let tick = 0; tick <= TICKS; tick++) {
      if (tick === 1) players.push(this.#join(instance, 'ann'));
      if (tick === JOIN_LATE_AT) players.push(this.#join(instance, 'bob'));
      if (tick === TAKEOVER_AT) {
        head = { epoch: 2, nonce: 'two', n: 0 };
        await this.#append({ kind: 'claim', ...head, ...this.#claim('sim-b') });
      }
      if (tick > 0) this.#step(instance, players);
      this.#options.cheat?.(instance, tick);
      head = { ...head, n: head.n + 1 };
      const delta = this.#encode(instance, head);
      await this.#append(delta);
      for (const player of players) this.#show(player, delta);
      if (tick === SNAPSHOT_AT) await this.#snapshot(instance, head);
    }
    for (const player of players)
      player.lines.push({ t: 'game.leave', game: this.game, at: START_MS + 40_000 });
  }

  #claim(pod: string) {
    const details = JSON.stringify({ options: { ...OPTIONS, ...this.#options.options }, seed: SEED });
    return { pod, type: 'world', schemaVersion: world.schemaVersion, details };
  }

  #join(instance: WorldInstance, user: string): Player {
    const joined = instance.join({ user, name: user, edge: 'edge-1', join: 1 });
    if (joined.kind !== 'joined') throw new Error(`${user} could not join: ${joined.kind}`);
    const replica = new Replica<WorldRows>(world.schema);
    const lines = this.lines(user);
    const { pid } = joined;
    lines.push({ t: 'game.join', game: this.game, pid, pod: 'sim-a', at: START_MS });
    const digest = new ViewDigest(replica as unknown as Replica);
    let seed = pid * 7919;
    const random = () => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return seed / 0x80000000;
    };
    return { pid, bot: new Bot(pid, random), replica, digest, lines, n: 0 };
  }

  #step(instance: WorldInstance, players: readonly Player[]): void {
    for (const player of players) {
      const { replica, pid } = player;
      if (replica.tick === 0) continue;
      const view = {
        tick: replica.tick,
        players: replica.table('players').rows as ReadonlyMap<number, PlayerRow>,
        objects: replica.table('objects').rows,
      };
      for (const { name, args } of player.bot.decide(view)) {
        player.n += 1;
        instance.command(pid, player.n, name, args);
        player.lines.push({ t: 'game.command', game: this.game, n: player.n, name, at: START_MS });
      }
    }
    instance.step();
  }

  #encode(instance: WorldInstance, head: { epoch: number; nonce: string; n: number }) {
    const { tick, shared, server, slices } = instance.encodeDelta();
    const parts = { shared, server, slices };
    const delta = { kind: 'delta', ...head, tick, parts } as const;
    const hash = tick % HASH_EVERY === 0 ? { hash: instance.hash() } : {};
    return { ...delta, ...hash, state: instance.encodeState() };
  }

  #show(player: Player, delta: DeltaRecord & { state: ReturnType<GameInstance['encodeState']> }): void {
    const { replica, digest, lines, pid, n } = player;
    const isFirst = replica.tick === 0;
    const slice = (isFirst ? delta.state : delta.parts).slices.find((part) => part.pid === pid)?.bytes;
    if (isFirst) replica.applyState(delta.state.shared, slice);
    else replica.applyDelta(delta.parts.shared, slice);
    this.xp = Math.max(this.xp, replica.table('players').rows.get(pid)?.xp ?? 0);
    const { shared, own, events } = digest.take();
    const place = { game: this.game, epoch: delta.epoch, seq: this.#seq, tick: delta.tick, at: START_MS };
    if (isFirst) lines.push({ t: 'game.state', ...place, shared, own });
    else lines.push({ t: 'game.delta', ...place, shared, own, events });
    if (n > 0) lines.push({ t: 'game.applied', game: this.game, n, seq: this.#seq, at: START_MS });
  }

  async #snapshot(instance: WorldInstance, head: { epoch: number; nonce: string; n: number }): Promise<void> {
    const { type, schemaVersion, details } = this.#claim('sim-a');
    const { tick, shared, server, slices } = instance.encodeState();
    const parts = { shared, server, slices };
    const hash = instance.hash();
    const bytes = encodeSnapshot({
      ...head,
      type,
      schemaVersion,
      details,
      logSeq: this.#seq,
      tick,
      hash,
      parts,
    });
    await this.#store(subjects.gameSnapshots(gameId(this.game)), bytes);
  }

  async #append(record: GameRecord): Promise<void> {
    const stored = this.#options.store?.(record, this.#records) ?? [record];
    this.#records += 1;
    for (const each of stored)
      this.#seq = await this.#store(subjects.gameLog(gameId(this.game)), encodeGameRecord(each));
  }

  async #store(subject: string, data: Uint8Array | string): Promise<number> {
    const result = await this.#bus.commit(subject, data);
    if (result.kind !== 'stored') throw new Error(`not stored: ${result.kind}`);
    return result.seq;
  }
}
