import { type NatsBus, type StreamDefinition, systemClock } from '@breakwater/service-kit';
import { eventually } from '@breakwater/testkit';
import { expect, it } from 'vitest';
import { ensureStreams } from '../src/adapters/ensure-streams.ts';
import { Sims, silent } from './sims.ts';

const MB = 1024 * 1024;
const STREAM = { replicas: 1, maxBytes: 4 * MB };
const SIZES = {
  partitions: 2,
  games: { ...STREAM, maxRecordsPerGame: 100 },
  snapshots: STREAM,
  ledger: { ...STREAM, maxRecordsPerUser: 100 },
};

/** A bus that takes its time to make each stream. */
function slowly(bus: NatsBus, made: string[]): NatsBus {
  return new Proxy(bus, {
    get(target, key) {
      if (key !== 'ensureStream') {
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return async (definition: StreamDefinition) => {
        await target.ensureStream(definition);
        made.push(definition.name);
        await new Promise((resolve) => setTimeout(resolve, 300));
      };
    },
  });
}

it('a process that finds another one at making the streams of a new installation counts none of them as lost', async () => {
  await using sims = await Sims.start();
  const remade: string[] = [];
  const start = (nats: NatsBus) =>
    ensureStreams(
      { nats, log: silent().log, clock: systemClock },
      SIZES,
      (stream) => void remade.push(stream),
    );
  const made: string[] = [];
  const first = start(slowly(sims.bus, made));
  await eventually(() => expect(made.length).toBeGreaterThan(0));
  expect(made.length).toBeLessThan(6);
  expect(await start(sims.bus)).toEqual(await first);
  expect([made.length, remade]).toEqual([6, []]);
});
