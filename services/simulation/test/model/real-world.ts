/** The real thing: the model's commands on a real nats-server and real processes, by signals and proxies. */

import { gameId, type SimHosted } from '@breakwater/bus';
import { BusError } from '@breakwater/service-kit';
import { eventually } from '@breakwater/testkit';
import { GameFactory } from '../../src/domain/game-factory.ts';
import type { StoredRecord } from '../../src/domain/ports.ts';
import { givenBy } from '../memory-ledgers.ts';
import { Archive } from '../replay-log.ts';
import { subjects } from '../sims.ts';
import { type Command, type Damage, USERS, userOf } from './command.ts';
import { damaged } from './damage.ts';
import { type Evidence, recordOf } from './evidence.ts';
import { definition } from './model-fleet.ts';
import { listenToFeed, realWatcherPorts } from './real-edge.ts';
import { PODS, pause, type RealStage } from './real-stage.ts';
import { snapshotsOf, totalsOf } from './real-stores.ts';
import { Watcher } from './watcher.ts';

const PLACE = { type: definition.type, schemaVersion: definition.schemaVersion };
const BUSTLE_MS = 15;
const PATIENCE_MS = 90_000;

export class RealWorld {
  readonly violations: string[] = [];
  readonly #stage: RealStage;
  readonly #game: string;
  readonly #archive: Archive;
  readonly #watcher: Watcher;
  readonly #random: () => number;
  readonly #closeEdge: () => void;
  readonly #factory = new GameFactory(definition, () => undefined);
  /** What the players had before this game. */
  readonly #totals: ReadonlyMap<string, number>;
  #snapshots: StoredRecord[] = [];
  /** Snapshots that were put there damaged. */
  readonly #damaged = new Set<string>();
  #heardEpoch = 0;
  #feedLosses = 0;
  #damaging: Promise<void> = Promise.resolve();

  private constructor(
    stage: RealStage,
    game: string,
    archive: Archive,
    totals: ReadonlyMap<string, number>,
    random: () => number,
  ) {
    this.#stage = stage;
    this.#game = game;
    this.#archive = archive;
    this.#totals = totals;
    this.#random = random;
    this.#watcher = new Watcher(realWatcherPorts(stage, game));
    this.#closeEdge = listenToFeed(stage, game, {
      onRecord: (record) => {
        if (this.#feedLosses > 0) this.#feedLosses -= 1;
        else this.#watcher.follower.onRecord(record);
      },
      onMissed: () => void this.#watcher.checkTail(),
    });
  }

  static async begin(stage: RealStage, random: () => number): Promise<RealWorld> {
    const game = stage.newGame();
    const archive = await Archive.of(stage.sims, game);
    const world = new RealWorld(stage, game, archive, await totalsOf(stage.sims), random);
    await stage.edgeBus.flush();
    await eventually(async () => (await world.#host(0, 1))?.outcome === 'hosted', { timeoutMs: PATIENCE_MS });
    for (const user of USERS.slice(1)) void world.#watcher.join(user);
    return world;
  }

  async perform(command: Command): Promise<void> {
    if (command.kind === 'bustle') await this.#bustle(command.ms);
    else if (command.kind === 'wait') await pause(command.ms);
    else this.#do(command);
  }

  async settle(): Promise<void> {
    this.#feedLosses = 0;
    await this.#stage.mend();
    await this.#damaging;
    await eventually(() => this.#stage.sims.bus.flush(), { timeoutMs: PATIENCE_MS });
    await eventually(() => this.#findOwner(), { timeoutMs: PATIENCE_MS });
    if (!this.#isEnded()) await this.#seatAll();
    await eventually(() => this.#playOn(), { timeoutMs: PATIENCE_MS });
    await this.#archive.complete();
    this.violations.push(...this.#watcher.faults);
    this.#watcher.close();
    this.#closeEdge();
    await eventually(() => this.#checkAwards(), { timeoutMs: PATIENCE_MS });
    await this.#releaseAll();
    this.#snapshots = await this.#wholeSnapshots();
    await this.#archive.complete();
  }

  evidence(): Evidence {
    return {
      factory: this.#factory,
      records: this.#archive.records,
      snapshots: this.#snapshots,
      sent: this.#watcher.sent,
      shown: new Map(Array.from(this.#watcher.members, ([user, { shown }]) => [user, shown])),
    };
  }

  #do(command: Exclude<Command, { kind: 'wait' | 'bustle' }>): void {
    switch (command.kind) {
      case 'host':
        void this.#host(command.process, Math.max(1, this.#heardEpoch + 1 + command.late));
        break;
      case 'race':
        for (const index of PODS.keys()) void this.#host(index, this.#heardEpoch + 1);
        break;
      case 'warm':
        void this.#warm(command.process);
        break;
      case 'move':
        void this.#move(command.from, command.to);
        break;
      case 'release':
        void this.#release(command.process, this.#heardEpoch + command.late);
        break;
      case 'join':
      case 'oldJoin':
      case 'leave':
      case 'drop':
      case 'resend':
      case 'play':
        this.#player(command);
        break;
      default:
        this.#hurt(command);
    }
  }

  #hurt(command: Command): void {
    if (command.kind === 'loseFeed') this.#feedLosses = command.count;
    else if (command.kind === 'damage') this.#damaging = this.#damage(command.how).catch(() => undefined);
    else this.#stage.hurt(command);
  }

  #player(command: Extract<Command, { user: number }>): void {
    const watcher = this.#watcher;
    const user = userOf(command.user);
    switch (command.kind) {
      case 'join':
        void watcher.join(user);
        break;
      case 'oldJoin':
        watcher.joinAgain(user);
        break;
      case 'leave':
        watcher.leave(user, 'leave');
        break;
      case 'drop':
        watcher.leave(user, 'dropped');
        break;
      case 'resend':
        watcher.resend(user);
        break;
      case 'play':
        watcher.play(user, command.name, command.isReversed);
        break;
      default:
        command satisfies never;
    }
  }

  /** Undefined when no answer came. */
  async #host(index: number, epoch: number, tailSeq?: number): Promise<SimHosted | undefined> {
    const { sims } = this.#stage;
    const place = {
      ...PLACE,
      epoch,
      options: { hp: 3 },
      seed: 11,
      ...(tailSeq !== undefined && { tailSeq }),
    };
    try {
      const answer = await sims.host(this.#stage.at(index).pod, this.#game, place);
      this.#heardEpoch = Math.max(this.#heardEpoch, answer.epoch);
      return answer;
    } catch (cause) {
      if (cause instanceof BusError) return undefined;
      throw cause;
    }
  }

  /** Undefined when no answer came, or the game is not there at that epoch. */
  async #release(index: number, epoch: number): Promise<number | undefined> {
    const { sims } = this.#stage;
    if (epoch < 1) return undefined;
    return sims.release(this.#stage.at(index).pod, this.#game, epoch).catch(() => undefined);
  }

  async #warm(index: number): Promise<void> {
    await this.#stage.sims.warm(this.#stage.at(index).pod, this.#game, PLACE).catch(() => undefined);
  }

  async #move(from: number, to: number): Promise<void> {
    await this.#warm(to);
    const epoch = this.#heardEpoch;
    const tailSeq = await this.#release(from, epoch);
    if (tailSeq !== undefined) await this.#host(to, epoch + 1, tailSeq);
  }

  /** The newest snapshot is another one from now on: damaged. */
  async #damage(how: Damage): Promise<void> {
    const { bus } = this.#stage.sims;
    const newest = await bus.lastMessage(this.#stage.sims.snapshotStream(this.#game), this.#snapshotSubject);
    const bytes = newest && damaged(newest.data, how);
    if (bytes === undefined) return;
    this.#damaged.add(textOf(bytes));
    await bus.commit(this.#snapshotSubject, bytes);
  }

  get #snapshotSubject(): string {
    return subjects.gameSnapshots(gameId(this.#game));
  }

  async #bustle(ms: number): Promise<void> {
    for (let leftMs = ms; leftMs > 0; leftMs -= BUSTLE_MS) {
      this.#watcher.play(userOf(Math.floor(this.#random() * USERS.length)), 'add', false);
      await pause(Math.min(leftMs, BUSTLE_MS));
    }
  }

  async #findOwner(): Promise<void> {
    const index = Math.floor(this.#random() * PODS.length);
    const answer = await this.#host(index, this.#heardEpoch + 1);
    if (answer?.outcome === 'hosted' || answer?.refusal === 'ended') return;
    if (answer?.refusal === 'failed' || answer?.refusal === 'log_lost')
      this.violations.push(`the game is lost: ${answer.refusal} ${answer.detail ?? ''}`);
    else throw new Error(`nobody can take the game: ${answer?.refusal ?? 'no answer'}`);
  }

  async #seatAll(): Promise<void> {
    for (const user of USERS) void this.#watcher.join(user);
    const seatLeft = async () => {
      const left = USERS.filter((user) => !this.#watcher.isCaughtUp(user));
      for (const user of left) this.#watcher.resend(user);
      await this.#archive.complete();
      if (left.length > 0 && !this.#isEnded()) throw new Error(`${left.join(', ')} are not served`);
    };
    await eventually(seatLeft, { timeoutMs: PATIENCE_MS, intervalMs: 200 });
  }

  #isEnded(): boolean {
    return this.#archive.records.some((record) => recordOf(record).kind === 'end');
  }

  /** @throws Error while a player's total is not what the log gave */
  async #checkAwards(): Promise<void> {
    await this.#archive.complete();
    const given = this.#given();
    for (const [user, total] of await totalsOf(this.#stage.sims)) {
      const more = total - (this.#totals.get(user) ?? 0);
      if (more !== (given.get(user) ?? 0))
        throw new Error(`${user} got ${more} XP, the log gave ${given.get(user) ?? 0}`);
    }
  }

  /** Whether a game that is open has given an award and stored a snapshot, so that there is something to look at. */
  async #playOn(): Promise<boolean> {
    if (this.#isEnded()) return true;
    for (const name of ['add', 'earn'] as const) this.#watcher.play(userOf(1), name, false);
    return this.#given().size > 0 && (await this.#wholeSnapshots()).length > 0;
  }

  /** By player: what the log gave. */
  #given(): Map<string, number> {
    return givenBy({ factory: this.#factory, log: { archive: this.#archive.records } });
  }

  async #wholeSnapshots(): Promise<StoredRecord[]> {
    const snapshots = await snapshotsOf(this.#stage.sims, this.#game);
    return snapshots.filter(({ bytes }) => !this.#damaged.has(textOf(bytes)));
  }

  /** Given up in order nothing of the game is left anywhere. */
  async #releaseAll(): Promise<void> {
    const { sims, processes } = this.#stage;
    await eventually(
      async () => {
        for (const { pod } of processes) {
          const line = (await sims.list(pod)).find(({ game }) => game === this.#game);
          if (line === undefined || line.state === 'ended') continue;
          await sims.release(pod, this.#game, line.epoch).catch(() => undefined);
          throw new Error(`${pod} still has the game`);
        }
      },
      { timeoutMs: PATIENCE_MS },
    );
  }
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
