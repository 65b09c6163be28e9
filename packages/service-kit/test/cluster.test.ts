import { eventually, type NatsServer, startNats } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NatsBus } from '../src/nats/bus.ts';
import { openBus, type TestBus } from './bus-fixture.ts';

let server: NatsServer;
let opened: TestBus;
let bus: NatsBus;

beforeAll(async () => {
  server = await startNats({ servers: 3 });
  opened = await openBus(server.url);
  bus = opened.bus;
  bus.assertServer({ replicas: 3 });
  // A new stream of a cluster may have no leader for a moment.
  await eventually(() => bus.ensureStream({ name: 'C', subjects: ['c.*.log'], replicas: 3 }), {
    timeoutMs: 30_000,
  });
});
afterAll(async () => {
  await bus.drain(500);
  await server.stop();
});

interface StreamInfo {
  readonly cluster: { readonly leader?: string };
}

async function leaderOf(stream: string): Promise<string> {
  return eventually(
    async () => {
      const info = await bus.request(`$JS.API.STREAM.INFO.${stream}`, '', {
        timeoutMs: 2_000,
        decode: (value) => value as StreamInfo,
      });
      return info.cluster.leader ?? '';
    },
    { timeoutMs: 20_000 },
  );
}

describe('three replicas', () => {
  test('let one of 20 appends win; no other is told that it is stored', async () => {
    for (let round = 0; round < 10; round++) {
      const subject = `c.race${round}.log`;
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, i) => bus.commit(subject, { i }, { expectedLastSubjectSeq: 0 })),
      );
      expect(results.filter(({ kind }) => kind === 'stored')).toHaveLength(1);
      // 10071 once the winner is through, 10164 while it is in process: refused or doubt, never lost.
      expect(results.every(({ kind }) => kind === 'stored' || kind === 'refused' || kind === 'doubt')).toBe(
        true,
      );
      const { messages } = await bus.readSubject('C', subject, { fromSeq: 1, limit: 10, maxBytes: 1e6 });
      expect(messages).toHaveLength(1);
    }
  });

  test('store one id once, sent twice at once; the other is a duplicate or in doubt', async () => {
    for (let round = 0; round < 20; round++) {
      const options = { msgId: `id-${round}` };
      const both = await Promise.all([
        bus.commit('c.twice.log', 'x', options),
        bus.commit('c.twice.log', 'x', options),
      ]);
      expect(both.filter((result) => result.kind === 'stored' && !result.duplicate)).toHaveLength(1);
      expect(both.every(({ kind }) => kind === 'stored' || kind === 'doubt')).toBe(true);
    }
    const { messages } = await bus.readSubject('C', 'c.twice.log', { fromSeq: 1, limit: 100, maxBytes: 1e6 });
    expect(messages).toHaveLength(20);
  });

  test('give a whole chain, also while one that may be asked for it stands still', async () => {
    const subject = 'c.long.log';
    const seqs = [0];
    while (seqs.length <= 100) {
      const result = await bus.commit(subject, 'x', { expectedLastSubjectSeq: seqs.at(-1)! });
      if (result.kind === 'stored') seqs.push(result.seq);
    }
    const stretch = { fromSeq: 1, toSeq: seqs[100]!, limit: 1_000, maxBytes: 1e6 };
    const readAll = async (reader: NatsBus) => {
      const pages = await Promise.all(
        Array.from({ length: 6 }, () => reader.readChain('C', subject, stretch)),
      );
      for (const { messages } of pages) expect(messages.map(({ seq }) => seq)).toEqual(seqs.slice(1));
    };
    await readAll(bus);
    const leader = await leaderOf('C');
    const { bus: reader } = await openBus(server.servers.find(({ name }) => name === leader)!.url);
    const victim = server.servers.find(({ name }) => name !== leader)!;
    victim.pause();
    await readAll(reader);
    victim.resume();
    await reader.drain(500);
  }, 60_000);

  test('keep every acknowledged append of a chain when their leader is killed, and the chain goes on (fault 26)', async () => {
    const subject = 'c.chain.log';
    const acked: number[] = [];
    let last = 0;
    let n = 0;
    const step = async () => {
      const result = await bus.commit(subject, { n }, { expectedLastSubjectSeq: last, timeoutMs: 1_000 });
      if (result.kind === 'stored') {
        last = result.seq;
        acked.push(n);
        n += 1;
        return;
      }
      // The rule for doubt: look at the tail. It is my record, or nothing lies beyond what I expected.
      const tail = await bus.lastMessage('C', subject).catch(() => undefined);
      if (tail === undefined || tail.seq === last) return;
      expect(JSON.parse(new TextDecoder().decode(tail.data))).toEqual({ n });
      last = tail.seq;
      acked.push(n);
      n += 1;
    };
    while (acked.length < 50) await step();
    const leader = await leaderOf('C');
    const victim = server.servers.find(({ name }) => name === leader);
    expect(victim).toBeDefined();
    await victim?.kill();
    const before = acked.length;
    await eventually(
      async () => {
        await step();
        expect(acked.length).toBeGreaterThan(before + 50);
      },
      { timeoutMs: 30_000, intervalMs: 1 },
    );
    await victim?.restart();
    const { messages } = await bus.readSubject('C', subject, { fromSeq: 1, limit: 10_000, maxBytes: 1e9 });
    const stored = messages.map(
      ({ data }) => (JSON.parse(new TextDecoder().decode(data)) as { n: number }).n,
    );
    expect(stored).toEqual(acked);
  });
});
