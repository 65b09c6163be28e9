/** Schedules that break an owner with one rule less, step by step against ours. */

import { decodeStateReply } from '@breakwater/bus';
import type { GameDefinition } from '@breakwater/game-kit';
import { FakeClock, ModelClock } from '@breakwater/testkit';
import { expect, it } from 'vitest';
import { GameFactory } from '../../src/domain/game-factory.ts';
import { type HostingResult, hostGame } from '../../src/domain/hosting.ts';
import { Owner } from '../../src/domain/owner.ts';
import { DEFAULT_OWNER_OPTIONS } from '../../src/domain/owner-types.ts';
import type { OwnerPorts } from '../../src/domain/ports.ts';
import { Replay } from '../../src/domain/replay.ts';
import { game as lab } from '../games/lab/game.ts';
import { Way, wayTo } from '../memory-chain.ts';
import { MemoryLedgers } from '../memory-ledgers.ts';
import { SILENT_EVENTS } from '../silent-events.ts';
import { Broker } from './broker.ts';
import { ModelFleet } from './model-fleet.ts';
import { ScriptedLog } from './scripted-log.ts';

const BACKOFF_MS = 60;
const calm = { trouble: 0, random: () => 0 };

class Stage {
  readonly clock = new FakeClock();
  readonly log = new ScriptedLog();
  readonly stops: string[] = [];
  readonly acks: number[] = [];
  #joins = 0;
  readonly #factory = new GameFactory(lab as unknown as GameDefinition, () => undefined);
  readonly #ports: OwnerPorts;

  constructor() {
    const ledgers = new MemoryLedgers();
    this.#ports = {
      log: this.log.port,
      snapshots: wayTo(ledgers.logOf('snapshots'), this.clock, calm, new Way()),
      ledger: ledgers.ports('game', this.clock, calm, new Way()),
      clock: this.clock,
      random: calm.random,
    };
  }

  async pass(ms = 0): Promise<void> {
    await this.clock.advanceAsync(ms);
  }

  async hosting(epoch: number, nonce: string): Promise<{ readonly result: Promise<HostingResult> }> {
    const retry = { clock: this.clock, random: calm.random, isOver: () => false };
    const parts = { pod: nonce, ports: this.#ports, factory: this.#factory, nonce, epoch, retry };
    const details = { options: {}, seed: 1 };
    const result = hostGame({ ...parts, details, onBadStart: () => undefined });
    await this.pass(10);
    return { result };
  }

  /** An owner whose claim is stored. */
  async owned(epoch: number, nonce: string): Promise<Owner> {
    const { result } = await this.hosting(epoch, nonce);
    this.log.take().reach().answer();
    await this.pass(10);
    return this.own(await result);
  }

  own(result: HostingResult): Owner {
    if (result.kind !== 'hosted') throw new Error(`refused: ${result.refusal}`);
    const { game } = result;
    return new Owner({
      pod: game.chain.nonce,
      ports: this.#ports,
      factory: this.#factory,
      game,
      options: { ...DEFAULT_OWNER_OPTIONS, hashEveryRecords: 1 },
      events: {
        ...SILENT_EVENTS,
        onStopped: (reason) => void this.stops.push(`${game.chain.nonce} ${game.chain.epoch} ${reason}`),
      },
    });
  }

  async tick(owner: Owner): Promise<void> {
    owner.tick(this.clock.monotonicMs());
    await this.pass();
  }

  /** Ticks, and what is sent is stored. */
  async commit(owner: Owner): Promise<void> {
    await this.tick(owner);
    this.log.take().reach().answer();
    await this.pass();
  }

  /** Takes a seat, with an append that is not taken up yet. */
  async askToJoin(owner: Owner): Promise<void> {
    const answer = {
      state: (bytes: Uint8Array) => {
        const decoded = decodeStateReply(bytes);
        if (decoded.ok) this.acks.push(decoded.value.ack);
      },
      error: () => undefined,
    };
    this.#joins += 1;
    owner.receive({
      kind: 'join',
      user: 'ann',
      name: 'ann',
      edge: 'edge',
      session: 's-ann',
      join: this.#joins,
      spectate: false,
      answer,
    });
    await this.tick(owner);
  }

  async join(owner: Owner): Promise<void> {
    await this.askToJoin(owner);
    this.log.take().reach().answer();
    await this.pass();
  }

  play(owner: Owner, n: number, name: string): void {
    owner.command({ kind: 'command', pid: 1, join: 1, n, name, args: name === 'add' ? { tag: n } : {} });
  }

  /** How many commands the log says that the player's counter counted. */
  counted(): unknown {
    const replay = new Replay(this.#factory);
    for (const record of this.log.chain.archive) replay.apply(record);
    const { tables } = replay.instance as unknown as { tables: { counters: Iterable<{ value: number }> } };
    return [...tables.counters].map(({ value }) => value);
  }
}

interface Schedule {
  /** Of the rule that is looked at. */
  readonly row: string;
  readonly run: (stage: Stage) => Promise<void>;
}

const SCHEDULES: readonly Schedule[] = [
  {
    row: 'A1e: the nonce belongs to the process, and only the epochs differ',
    async run(stage) {
      const old = await stage.owned(1, 'same');
      await stage.tick(old);
      stage.log.take().timeOut();
      await stage.pass();
      const young = await stage.owned(2, 'same');
      await stage.commit(young);
      await stage.pass(BACKOFF_MS);
      stage.log.take().reach().answer();
      await stage.pass();
      expect(stage.stops).toEqual(['same 1 overtaken']);
      expect(stage.log.kinds()).toEqual(['claim 1.0', 'claim 2.0', 'delta 2.1']);
    },
  },
  {
    row: 'A2: the tail that is read after a refusal is an old one',
    async run(stage) {
      await stage.owned(1, 'one');
      const { result } = await stage.hosting(2, 'two');
      stage.log.staleTails.push(stage.log.chain.records[0]);
      stage.log.take().reach().timeOut();
      await stage.pass(BACKOFF_MS);
      stage.log.take().reach().answer();
      await stage.pass(BACKOFF_MS);
      expect((await result).kind).toBe('hosted');
      expect(stage.log.kinds()).toEqual(['claim 1.0', 'claim 2.0']);
    },
  },
  {
    row: 'A3: a claim is refused because an earlier copy of it is in process',
    async run(stage) {
      const { result } = await stage.hosting(1, 'one');
      const first = stage.log.take().timeOut();
      await stage.pass(BACKOFF_MS);
      stage.log.take().meetProposal().answer();
      await stage.pass(BACKOFF_MS);
      const third = stage.log.take().meetProposal();
      first.reach();
      third.answer();
      await stage.pass(BACKOFF_MS);
      expect((await result).kind).toBe('hosted');
      expect(stage.log.kinds()).toEqual(['claim 1.0']);
    },
  },
  {
    row: 'A3b: a delta is refused because a claim is in process that a change of leaders then drops',
    async run(stage) {
      const one = await stage.owned(1, 'one');
      await stage.hosting(2, 'two');
      const dropped = stage.log.take();
      expect(dropped.record.kind).toBe('claim');
      await stage.tick(one);
      stage.log.take().meetProposal().answer();
      await stage.pass(BACKOFF_MS);
      stage.log.take().reach().answer();
      await stage.pass();
      expect(stage.stops).toEqual([]);
      expect(stage.log.kinds()).toEqual(['claim 1.0', 'delta 1.1']);
      expect(one.lastSeq).toBe(stage.log.chain.lastSeq);
    },
  },
  {
    row: 'A4: a step throws while an append is in flight',
    async run(stage) {
      const one = await stage.owned(1, 'one');
      await stage.join(one);
      stage.play(one, 1, 'add');
      await stage.tick(one);
      const inFlight = stage.log.take();
      stage.play(one, 2, 'breakStep');
      await stage.tick(one);
      await stage.pass(BACKOFF_MS);
      expect(stage.log.pending).toEqual([]);
      inFlight.reach().timeOut();
      await stage.pass(BACKOFF_MS);
      stage.play(one, 2, 'add');
      // First the mark of the restart, with nothing beside it.
      await stage.commit(one);
      expect(stage.counted()).toEqual([1]);
      await stage.commit(one);
      expect(stage.log.kinds()).toEqual(['claim 1.0', 'delta 1.1', 'delta 1.2', 'delta 1.3', 'delta 1.4']);
      expect(stage.counted()).toEqual([2]);
    },
  },
  {
    row: 'A5: an ended game was purged, and late claims arrive',
    async run(stage) {
      const one = await stage.owned(1, 'one');
      await stage.join(one);
      stage.play(one, 1, 'finish');
      await stage.commit(one);
      await stage.commit(one);
      expect(stage.log.kinds().at(-1)).toMatch(/^end /);
      stage.log.chain.purgeBelow(stage.log.chain.lastSeq);
      for (const epoch of [1, 2]) {
        const { result } = await stage.hosting(epoch, 'late');
        expect(await result).toMatchObject({ kind: 'refused', refusal: 'ended' });
      }
      expect(stage.log.pending).toEqual([]);
    },
  },
  {
    row: 'A6: the same epoch is given twice, and both claims look the same but for the nonce',
    async run(stage) {
      const one = await stage.hosting(1, 'one');
      const two = await stage.hosting(1, 'two');
      const [first, second] = [stage.log.take(), stage.log.take()];
      second.reach().answer();
      first.reach().answer();
      await stage.pass(BACKOFF_MS);
      expect(await one.result).toMatchObject({ kind: 'refused', refusal: 'claimed', epoch: 1 });
      await stage.commit(stage.own(await two.result));
      expect(stage.log.kinds()).toEqual(['claim 1.0', 'delta 1.1']);
      expect(stage.log.pending).toEqual([]);
    },
  },
  {
    row: 'SEED: a record in doubt was stored, and a copy of it arrives late',
    async run(stage) {
      const one = await stage.owned(1, 'one');
      await stage.tick(one);
      const first = stage.log.take().timeOut();
      await stage.pass(BACKOFF_MS);
      const again = stage.log.take();
      expect(again.record).toEqual(first.record);
      first.reach();
      again.reach().answer();
      await stage.pass(BACKOFF_MS);
      expect(stage.stops).toEqual([]);
      expect([one.lastSeq, stage.log.pending.length]).toEqual([stage.log.chain.lastSeq, 0]);
      expect(stage.log.kinds()).toEqual(['claim 1.0', 'delta 1.1']);
    },
  },
  {
    row: 'SEED: the append with a join is stored late, or never because another owner was first',
    async run(stage) {
      const one = await stage.owned(1, 'one');
      await stage.askToJoin(one);
      const append = stage.log.take().reach();
      await stage.pass(10);
      expect(stage.acks).toEqual([]);
      append.answer();
      await stage.pass();
      expect(stage.acks).toEqual([0]);
      stage.play(one, 1, 'add');
      await stage.askToJoin(one);
      const late = stage.log.take();
      await stage.owned(2, 'two');
      late.reach().answer();
      await stage.pass(BACKOFF_MS);
      expect(stage.acks).toEqual([0]);
      expect(stage.stops).toEqual(['one 1 overtaken']);
    },
  },
  {
    row: 'SEED: nobody owns before the claim is stored',
    async run(stage) {
      await stage.owned(1, 'one');
      const { result } = await stage.hosting(2, 'two');
      const claim = stage.log.take();
      expect([claim.record.kind, claim.record.n]).toEqual(['claim', 0]);
      await stage.pass(1_000);
      expect(await Promise.race([result, 'nobody'])).toBe('nobody');
    },
  },
];

it.each(SCHEDULES)('is safe when, $row', ({ run }) => run(new Stage()));

it('is safe when, A7: a release of an earlier epoch arrives late', async () => {
  const clock = new ModelClock();
  const broker = new Broker(clock, calm.random, 'single');
  const nothing = () => undefined;
  const events = { onStopped: nothing, onAnswer: nothing, onTickError: nothing };
  const fleet = new ModelFleet({ broker, clock, random: calm.random, seam: {}, events });
  for (const epoch of [1, 2]) {
    void fleet.host(0, epoch);
    await clock.advance(100);
  }
  const released = fleet.release(0, 1);
  await clock.advance(100);
  expect(await released).toBeUndefined();
  expect(fleet.at(0).host.lines()).toMatchObject([{ epoch: 2, state: 'running' }]);
});
