import { eventually } from '@breakwater/testkit';
import { describe, expect, test } from 'vitest';
import { Caller, type connectTo, newId, readLog, startChat, startWorld, streamOf } from './harness.ts';
import { faultsOf, Load } from './load.ts';

const THREE = { BREAKWATER_REPLICAS: '3' };

async function leaderOf(bus: Awaited<ReturnType<typeof connectTo>>, stream: string): Promise<string> {
  const decode = (value: unknown) => value as { cluster?: { leader?: string } };
  const info = await bus.request(`$JS.API.STREAM.INFO.${stream}`, {}, { decode, timeoutMs: 5_000 });
  const leader = info.cluster?.leader;
  if (leader === undefined || leader === '') throw new Error('no leader');
  return leader;
}

describe('three NATS servers', () => {
  test('the same id many times at once is stored once; a killed leader loses nothing that was acknowledged', async () => {
    await using world = await startWorld({ servers: 3 });
    await using _a = await startChat(world.nats, THREE);
    await using _b = await startChat(world.nats, THREE);
    for (let round = 0; round < 5; round++) {
      const msg = newId();
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => world.ann.send('general', msg, `once ${round}`)),
      );
      expect(new Set(answers.map(({ seq }) => seq)).size).toBe(1);
    }
    const callers = Array.from({ length: 6 }, (_, n) => new Caller(world.bus, `user${n}`));
    for (const caller of callers) caller.timeoutMs = 3_000;
    const load = new Load(callers, 'general');
    await eventually(() => load.ackedCount > 100, { timeoutMs: 20_000 });
    const leader = await leaderOf(world.bus, streamOf('general'));
    await world.nats.servers.find(({ config }) => config.name === leader)!.kill();
    const before = load.ackedCount;
    await eventually(() => load.ackedCount > before + 100, { timeoutMs: 40_000 });
    await load.stop();
    const log = await readLog(world.bus, 'general');
    expect(faultsOf(load.sent, log)).toEqual([]);
    expect(log.filter(({ text }) => text.startsWith('once'))).toHaveLength(5);
  }, 90_000);
});
