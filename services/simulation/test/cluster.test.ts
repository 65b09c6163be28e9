import { decodeLedgerRecord, ledgerStreamName, userId } from '@breakwater/bus';
import { eventually, type NatsServer, startNats } from '@breakwater/testkit';
import { expect, it } from 'vitest';
import { Archive } from './replay-log.ts';
import { PARTITIONS, Sims, subjects } from './sims.ts';

it('fault 26: on three servers a game goes on under its claim, and its awards count once, when they are killed one after another', async () => {
  const nats: NatsServer = await startNats({ servers: 3 });
  await using sims = await Sims.start(nats);
  await sims.pod('sim-a', {
    BREAKWATER_REPLICAS: '3',
    BREAKWATER_SIMULATION_SNAPSHOT_EVERY_RECORDS: '20',
    BREAKWATER_SIMULATION_HASH_EVERY_RECORDS: '2',
    BREAKWATER_SIMULATION_APPEND_TIMEOUT_MS: '500',
  });
  const archive = await Archive.of(sims, 'replicated');
  const hosted = await sims.host('sim-a', 'replicated', { type: 'lab', options: { mode: 'restless' } });
  expect(hosted).toMatchObject({ outcome: 'hosted' });
  const { pid } = await sims.join('replicated', 'ann');
  let n = 0;
  for (const server of nats.servers) {
    await server.kill();
    await server.start();
    await eventually(() => sims.bus.isConnected);
    n += 2;
    await eventually(
      async () => {
        sims.command('replicated', pid, n - 1, 'add', { tag: n });
        sims.command('replicated', pid, n, 'earn', { amount: 5 });
        return (await sims.join('replicated', 'ann', 1)).ack === n;
      },
      { timeoutMs: 25_000 },
    );
    await archive.complete();
  }
  const { instance } = (await archive.complete()).replay();
  expect(instance.tables.counters.need(pid).value).toBe(3);
  const user = userId('ann');
  await eventually(async () => {
    const newest = await sims.bus.lastMessage(ledgerStreamName(user, PARTITIONS), subjects.ledger(user));
    const decoded = newest && decodeLedgerRecord(newest.data);
    expect(decoded).toMatchObject({ ok: true, value: { total: 15 } });
  });
  expect(archive.kinds().filter((kind) => kind.startsWith('claim'))).toEqual(['claim 1.0']);
}, 120_000);
