import type { GameDefinition, GameInstance } from '@breakwater/game-kit';
import { ModelClock } from '@breakwater/testkit';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { GameFactory } from '../../src/domain/game-factory.ts';
import { game as lab } from '../games/lab/game.ts';
import { Broker } from './broker.ts';
import { ModelFleet } from './model-fleet.ts';

const factory = new GameFactory(lab as unknown as GameDefinition, () => undefined);
const PLAYERS = 3;

/** What must have no effect at all, and what may only be numbered for the one who sent it. */
const WITHOUT_EFFECT = {
  duplicate: (game: GameInstance, pid: number) => game.command(pid, game.ackOf(pid) ?? 0, 'add', { tag: 1 }),
  gap: (game: GameInstance, pid: number) => game.command(pid, (game.ackOf(pid) ?? 0) + 2, 'add', { tag: 1 }),
  stranger: (game: GameInstance) => game.command(999, 1, 'add', { tag: 1 }),
  oldJoin: (game: GameInstance, pid: number) =>
    game.join({ user: `user-${pid}`, name: 'late', join: 0, edge: 'edge' }),
  oldLeave: (game: GameInstance, pid: number) => game.leave(pid, 0),
  oldDrop: (game: GameInstance, pid: number) => game.disconnected(pid, 0),
} as const;
const NUMBERED = {
  refused: ['refuse', {}],
  thrown: ['explode', {}],
  unknown: ['no_such_command', {}],
  badArguments: ['add', { tag: -1 }],
  extraArguments: ['hit', { more: true }],
} as const;

function played(commands: readonly number[]): GameInstance {
  const game = factory.create({ options: { hp: 3 }, seed: 3 });
  for (let pid = 1; pid <= PLAYERS; pid++)
    game.join({ user: `user-${pid}`, name: 'x', join: 1, edge: 'edge' });
  for (const [index, pid] of commands.entries()) {
    const name = ['add', 'hit', 'draw'][index % 3] ?? 'add';
    game.command(pid, (game.ackOf(pid) ?? 0) + 1, name, name === 'add' ? { tag: index } : {});
    if (index % 4 === 0) game.step();
  }
  game.encodeDelta();
  return game;
}

const history = fc.array(fc.integer({ min: 1, max: PLAYERS }), { maxLength: 20 });
const seat = fc.integer({ min: 1, max: PLAYERS });

it('fault 34: what is refused without a number leaves every byte of the state as it was', () => {
  const kinds = fc.constantFrom(...Object.values(WITHOUT_EFFECT));
  const property = fc.property(history, seat, kinds, (commands, pid, refuse) => {
    const game = played(commands);
    const before = game.encodeState();
    refuse(game, pid);
    expect(game.encodeState()).toEqual(before);
    expect(game.hasChanges).toBe(false);
  });
  fc.assert(property, { numRuns: 200 });
});

it('fault 34: what is refused with a number changes nothing that anybody but its sender can see', () => {
  const property = fc.property(
    history,
    seat,
    fc.constantFrom(...Object.values(NUMBERED)),
    (commands, pid, bad) => {
      const game = played(commands);
      const before = game.encodeState();
      const ack = game.ackOf(pid) ?? 0;
      const [name, args] = bad;
      game.command(pid, ack + 1, name, args);
      const after = game.encodeState();
      expect(game.ackOf(pid)).toBe(ack + 1);
      expect(after.shared).toEqual(before.shared);
      const others = (state: typeof before) => state.slices.filter((slice) => slice.pid !== pid);
      expect(others(after)).toEqual(others(before));
    },
  );
  fc.assert(property, { numRuns: 200 });
});

it('hostings and releases that are refused leave every byte of log and snapshots as it was', async () => {
  const clock = new ModelClock();
  const broker = new Broker(clock, () => 0.5, 'single');
  const nothing = () => undefined;
  const events = { onStopped: nothing, onAnswer: nothing, onTickError: nothing };
  const fleet = new ModelFleet({ broker, clock, random: () => 0.5, seam: {}, events });
  for (const epoch of [1, 2, 3]) {
    void fleet.host(0, epoch);
    await clock.advance(200);
  }
  // Until it sleeps: nothing is appended by itself then.
  await clock.advance(1_500);
  const before = [broker.log.records.slice(), broker.snapshots.records.slice()];
  expect(before[0]?.length).toBeGreaterThan(3);
  for (const index of fleet.processes.keys()) {
    for (const epoch of [1, 2, 3]) {
      void fleet.host(index, epoch);
      if (epoch < 3 || index > 0) void fleet.release(index, epoch);
      await clock.advance(200);
    }
  }
  expect([broker.log.records, broker.snapshots.records]).toEqual(before);
  expect(fleet.at(0).host.lines()).toMatchObject([{ epoch: 3 }]);
});
