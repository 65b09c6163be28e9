import { BUCKETS, INSTALL_PARTITIONS_KEY, installPartitions, matchMove, subjectsFor } from '@breakwater/bus';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { gamesCommand } from '../src/games/command.ts';
import { openBus } from './open-bus.ts';

const PARTITIONS = 2;
let nats: Awaited<ReturnType<typeof openBus>>;

/** A matchmaker whose moves end on sim-c: whoever was named failed after the owner gave the game up. */
beforeAll(async () => {
  nats = await openBus();
  const { name } = BUCKETS.install;
  const install = await nats.bus.ensureBucket({ name, replicas: 1 }, { decode: installPartitions });
  await install.create(INSTALL_PARTITIONS_KEY, { partitions: PARTITIONS });
  const move = subjectsFor(PARTITIONS).matchOperation('move');
  nats.bus.handle(move, { decode: matchMove }, ({ game }) => ({ game, pod: 'sim-c', epoch: 4 }));
  await nats.bus.flush();
});

afterAll(() => nats?.[Symbol.asyncDispose]());

async function move(...args: string[]): Promise<{ code: number; text: string }> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  try {
    const code = await gamesCommand.run(['move', 'g1', ...args, '--nats', nats.url]);
    return { code, text: log.mock.calls.flat().join('\n') };
  } finally {
    log.mockRestore();
  }
}

test('a move that ends on another process than the named one has failed, and says where the game is', async () => {
  const text = 'g1 is on sim-c now, at epoch 4.';
  expect(await move('--to', 'sim-b')).toEqual({ code: 1, text: `sim-b did not take the game over: ${text}` });
  expect(await move('--to', 'sim-c')).toEqual({ code: 0, text });
  expect(await move()).toEqual({ code: 0, text });
  const { code, text: json } = await move('--to', 'sim-b', '--json');
  expect([code, JSON.parse(json)]).toEqual([1, { game: 'g1', pod: 'sim-c', epoch: 4, ok: true }]);
});
