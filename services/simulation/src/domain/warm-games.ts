/** Games that are about to be hosted here: loaded, and kept near their log's tail by its feed. */

import type { HostRefusal, SimWarmed } from '@breakwater/bus';
import type { GameFactory } from './game-factory.ts';
import { loadForCertain, replayTo } from './loader.ts';
import { migrationProblem } from './migration.ts';
import type { Cancel, ClockPort, OwnerPorts, StoredRecord } from './ports.ts';
import { sleep } from './ports.ts';
import { isBadLog, type Replay } from './replay.ts';
import { type Retry, readTail, untilRead } from './settle.ts';

/** A record as the feed brings it. */
export interface FedRecord extends StoredRecord {
  /** Sequence of the record before it on the same subject; 0 when that one is gone. */
  readonly prevSeq: number;
}

export interface WarmPorts {
  portsOf(game: string): OwnerPorts;
  /** Hears the feed of a game until the returned function is called. */
  follow(game: string, hear: (record: FedRecord) => void): Cancel;
  readonly clock: ClockPort;
  readonly random: () => number;
}

export const WARM_ENDS = ['hosted', 'expired', 'broken', 'dropped'] as const;
/** What became of a warm game. */
export type WarmEnd = (typeof WARM_ENDS)[number];

export interface WarmEvents {
  onEnd(game: string, end: WarmEnd): void;
  onTrouble(game: string, cause: string): void;
  onBadStart(game: string, problem: string): void;
}

export interface WarmOptions {
  readonly maxWarm: number;
  /** A warm game that nobody hosts is dropped after this time. */
  readonly keepMs: number;
  /** Loading one game. */
  readonly loadTimeoutMs: number;
}

/** How long a hosting waits for a read of the warm game that is on its way, before it goes without. */
const TAKE_WAIT_MS = 500;

interface Copy {
  readonly game: string;
  readonly factory: GameFactory;
  unfollow: Cancel;
  cancelExpiry: Cancel;
  loaded: Promise<SimWarmed>;
  replay: Replay | undefined;
  /** Highest sequence that the feed brought. */
  heardSeq: number;
  /** A read that changes `replay`; never rejects. */
  reading: Promise<void> | undefined;
  isClosed: boolean;
}

const refused = (refusal: HostRefusal, detail: string): SimWarmed => ({
  outcome: 'refused',
  refusal,
  detail,
});

export class WarmGames {
  readonly #ports: WarmPorts;
  readonly #events: WarmEvents;
  readonly #options: WarmOptions;
  readonly #copies = new Map<string, Copy>();

  constructor(ports: WarmPorts, events: WarmEvents, options: WarmOptions) {
    this.#ports = ports;
    this.#events = events;
    this.#options = options;
  }

  get size(): number {
    return this.#copies.size;
  }

  has(game: string): boolean {
    return this.#copies.has(game);
  }

  /** Loads the game, or says why not. One that is warm already is kept for longer. Never rejects. */
  async warm(game: string, factory: GameFactory): Promise<SimWarmed> {
    const known = this.#copies.get(game);
    if (known !== undefined && known.factory.definition === factory.definition) {
      this.#keep(known);
      return known.loaded;
    }
    if (known !== undefined) this.#close(known, 'dropped');
    if (this.#copies.size >= this.#options.maxWarm)
      return refused('no_capacity', 'too many games are warm here already');
    const copy = this.#open(game, factory);
    copy.loaded = this.#load(copy);
    return copy.loaded;
  }

  /** Hands the warm game over for good; `undefined` when there is none, or none that can be used. */
  async take(game: string, factory: GameFactory): Promise<Replay | undefined> {
    const copy = this.#copies.get(game);
    if (copy === undefined) return undefined;
    this.#close(copy, 'hosted');
    if (copy.reading !== undefined)
      await Promise.race([copy.reading, sleep(this.#ports.clock, TAKE_WAIT_MS)]);
    const isUsable = copy.reading === undefined && copy.factory.definition === factory.definition;
    return isUsable ? copy.replay : undefined;
  }

  /** Forgets them all. */
  clear(): void {
    for (const copy of [...this.#copies.values()]) this.#close(copy, 'dropped');
  }

  #open(game: string, factory: GameFactory): Copy {
    const copy: Copy = {
      game,
      factory,
      unfollow: () => undefined,
      cancelExpiry: () => undefined,
      loaded: Promise.resolve(refused('unavailable', 'it is not loaded yet')),
      replay: undefined,
      heardSeq: 0,
      reading: undefined,
      isClosed: false,
    };
    this.#copies.set(game, copy);
    copy.unfollow = this.#ports.follow(game, (record) => this.#hear(copy, record));
    this.#keep(copy);
    return copy;
  }

  /** From now on for `keepMs`. */
  #keep(copy: Copy): void {
    copy.cancelExpiry();
    copy.cancelExpiry = this.#ports.clock.after(this.#options.keepMs, () => this.#close(copy, 'expired'));
  }

  #close(copy: Copy, end: WarmEnd): void {
    if (copy.isClosed) return;
    copy.isClosed = true;
    copy.cancelExpiry();
    copy.unfollow();
    if (this.#copies.get(copy.game) === copy) this.#copies.delete(copy.game);
    this.#events.onEnd(copy.game, end);
  }

  async #load(copy: Copy): Promise<SimWarmed> {
    let result = refused('unavailable', 'the log could not be read in time');
    copy.reading = this.#read(copy, async (retry) => {
      result = await this.#loadToTail(copy, retry);
      if (result.outcome === 'refused') this.#break(copy);
    });
    await copy.reading;
    return result;
  }

  async #loadToTail(copy: Copy, retry: Retry): Promise<SimWarmed> {
    const { log, snapshots } = this.#ports.portsOf(copy.game);
    const tail = await readTail(log, retry);
    if (tail === 'abandoned') return refused('unavailable', 'the log could not be read in time');
    if (tail === undefined) return refused('unavailable', 'the game has no log yet');
    const { factory, game } = copy;
    const onBadStart = (problem: string) => this.#events.onBadStart(game, problem);
    const load = await loadForCertain({ log, snapshots, factory, onBadStart }, tail.seq, retry);
    if (load === 'abandoned') return refused('unavailable', 'the log could not be read in time');
    switch (load.kind) {
      case 'loaded':
        return this.#loaded(copy, load.replay);
      case 'wrong_version':
        return refused('unknown_game_type', load.detail);
      case 'lost':
      case 'unreadable':
        return refused('failed', load.detail);
      default:
        return load satisfies never;
    }
  }

  #loaded(copy: Copy, replay: Replay): SimWarmed {
    copy.replay = replay;
    if (replay.ended !== undefined) return refused('ended', `the game has ended: ${replay.ended}`);
    const problem = migrationProblem(copy.factory, replay);
    return problem === undefined ? { outcome: 'warm' } : refused('unknown_game_type', problem);
  }

  #hear(copy: Copy, record: FedRecord): void {
    copy.heardSeq = Math.max(copy.heardSeq, record.seq);
    const { replay } = copy;
    if (copy.isClosed || copy.reading !== undefined || replay === undefined || record.seq <= replay.seq)
      return;
    if (record.prevSeq !== replay.seq) {
      this.#catchUp(copy, replay);
      return;
    }
    try {
      replay.apply(record);
      if (replay.ended !== undefined) this.#close(copy, 'dropped');
    } catch {
      this.#break(copy);
    }
  }

  /** The feed left something out, or brought it while something else was read. */
  #catchUp(copy: Copy, replay: Replay): void {
    const { log } = this.#ports.portsOf(copy.game);
    const read = async () => {
      try {
        await replayTo(log, replay, copy.heardSeq);
        return true;
      } catch (cause) {
        if (isBadLog(cause)) return false;
        throw cause;
      }
    };
    copy.reading = this.#read(copy, async (retry) => {
      const done = await untilRead(read, retry);
      if (done === false || (done === 'abandoned' && !copy.isClosed)) this.#break(copy);
    });
  }

  async #read(copy: Copy, work: (retry: Retry) => Promise<void>): Promise<void> {
    const { clock, random } = this.#ports;
    const deadlineMs = clock.monotonicMs() + this.#options.loadTimeoutMs;
    const isOver = () => copy.isClosed || clock.monotonicMs() >= deadlineMs;
    const onTrouble = (cause: string) => this.#events.onTrouble(copy.game, cause);
    try {
      await work({ clock, random, isOver, onTrouble });
    } catch {
      this.#break(copy);
    }
    copy.reading = undefined;
    const { replay } = copy;
    if (!copy.isClosed && replay !== undefined && replay.seq < copy.heardSeq) this.#catchUp(copy, replay);
  }

  /** A replay that threw is good for nothing. */
  #break(copy: Copy): void {
    copy.replay = undefined;
    this.#close(copy, 'broken');
  }
}
