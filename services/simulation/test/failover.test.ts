import { eventually, type ServiceProcess, spawnService } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Archive } from './replay-log.ts';
import { Sims, simEnv } from './sims.ts';

const LAB = { type: 'lab', options: { mode: 'restless' } } as const;

describe('an owner that goes away', () => {
  let sims: Sims;
  const children: ServiceProcess[] = [];
  beforeAll(async () => {
    sims = await Sims.start();
    await sims.pod('sim-safe', { BREAKWATER_SIMULATION_SNAPSHOT_EVERY_RECORDS: '20' });
  });
  afterAll(async () => {
    await Promise.all(children.map((child) => child.kill()));
    await sims[Symbol.asyncDispose]();
  });

  async function child(pod: string): Promise<ServiceProcess> {
    const env = simEnv(sims.nats, pod, {
      BREAKWATER_SIMULATION_SNAPSHOT_EVERY_RECORDS: '20',
      BREAKWATER_SIMULATION_HASH_EVERY_RECORDS: '3',
    });
    const process = await spawnService('simulation', { env });
    children.push(process);
    return process;
  }

  /** Sends commands without a pause until `stop` is called; returns how many were sent. */
  function hammer(game: string, pid: number) {
    let n = 0;
    const timer = setInterval(() => {
      for (let burst = 0; burst < 3; burst++) sims.command(game, pid, ++n, 'add', { tag: n });
    }, 5);
    return () => {
      clearInterval(timer);
      return n;
    };
  }

  it('fault 32: killed at any moment, is followed by one with exactly the stored prefix, from snapshot and log', async () => {
    for (let round = 0; round < 3; round++) {
      const game = `killed-${round}`;
      const archive = await Archive.of(sims, game);
      const doomed = await child(`sim-doomed-${round}`);
      expect(await sims.host(`sim-doomed-${round}`, game, LAB)).toMatchObject({ outcome: 'hosted' });
      const { pid } = await sims.join(game, 'ann');
      const stop = hammer(game, pid);
      await eventually(() => archive.records.length > 45 + 7 * round);
      await doomed.kill();
      const sent = stop();
      await sims.bus.flush();
      await archive.complete();

      expect(await sims.host('sim-safe', game, { ...LAB, epoch: 2 })).toMatchObject({ outcome: 'hosted' });
      const reply = await sims.join(game, 'ann', 2);
      await archive.complete();
      const stored = archive.replay(reply.seq);
      expect(reply.epoch).toBe(2);
      expect(reply.tick).toBe(stored.instance.tick);
      expect(Buffer.from(reply.parts.shared)).toEqual(Buffer.from(stored.instance.encodeState().shared));
      const counter = stored.instance.tables.counters.need(pid);
      expect([counter.value, counter.last]).toEqual([reply.ack, reply.ack]);
      expect(reply.ack).toBeGreaterThan(0);

      for (let n = reply.ack + 1; n <= sent; n++) sims.command(game, pid, n, 'add', { tag: n });
      await eventually(async () => (await archive.complete()).replay().instance.ackOf(pid) === sent);
      expect(archive.replay().instance.tables.counters.need(pid).value).toBe(sent);
    }
  }, 120_000);

  it('fault 31: stopped, overtaken and woken again, adds nothing to the log and gives the game up', async () => {
    const frozen = await child('sim-frozen');
    const archive = await Archive.of(sims, 'frozen');
    await sims.host('sim-frozen', 'frozen', LAB);
    const { pid } = await sims.join('frozen', 'ann');
    const stop = hammer('frozen', pid);
    await eventually(() => archive.records.length > 10);
    frozen.pause();
    expect(await sims.host('sim-safe', 'frozen', { ...LAB, epoch: 2 })).toMatchObject({ outcome: 'hosted' });
    await sims.join('frozen', 'bob');
    frozen.resume();
    await eventually(async () => (await sims.list('sim-frozen')).length === 0);
    stop();
    await sims.join('frozen', 'bob', 2);
    await archive.complete();
    const kinds = archive.kinds();
    const claimAt = kinds.indexOf('claim 2.0');
    expect(claimAt).toBeGreaterThan(0);
    expect(kinds.slice(claimAt).filter((kind) => / 1\./.test(kind))).toEqual([]);
    archive.replay();
  });

  it('fault 25: with NATS stopped, freezes its games and goes on with the same claim when NATS is back', async () => {
    const running = await sims.pod('sim-patient', {
      BREAKWATER_SIMULATION_FREEZE_AFTER_MS: '100',
      BREAKWATER_SIMULATION_APPEND_TIMEOUT_MS: '300',
    });
    await sims.host('sim-patient', 'patient', LAB);
    const { pid } = await sims.join('patient', 'ann');
    const frozenSeconds = async () => {
      const text = await (await fetch(`http://127.0.0.1:${running.httpPort}/metrics`)).text();
      const value = (name: string) =>
        Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1] ?? Number.NaN);
      return value('breakwater_simulation_frozen_seconds_total');
    };
    expect(await frozenSeconds()).toBe(0);
    sims.nats.pause();
    // Told while it lasts: an alert that waits for the end of an outage is none.
    await eventually(async () => (await frozenSeconds()) > 1);
    sims.nats.resume();
    sims.command('patient', pid, 1, 'add', { tag: 1 });
    await eventually(async () => (await sims.join('patient', 'ann', 2)).ack === 1);
    const log = await sims.log('patient');
    expect(log.filter(({ record }) => record.kind === 'claim')).toHaveLength(1);
    expect(new Set(log.map(({ record }) => record.nonce)).size).toBe(1);
  });

  it('fault 26: goes on after nats-server was killed and started again', async () => {
    await sims.host('sim-safe', 'restarted', LAB);
    const { pid } = await sims.join('restarted', 'ann');
    const before = await sims.log('restarted');
    await sims.nats.restart();
    await eventually(() => sims.bus.isConnected);
    sims.command('restarted', pid, 1, 'add', { tag: 1 });
    await eventually(async () => {
      sims.command('restarted', pid, 1, 'add', { tag: 1 });
      return (await sims.join('restarted', 'ann', 2)).ack === 1;
    });
    // The claim itself may lie below a snapshot by now, and be purged: every record names the hosting it is of.
    const after = await sims.log('restarted');
    expect(before.length).toBeGreaterThan(0);
    expect(new Set(after.map(({ record }) => record.nonce))).toEqual(new Set([before[0]?.record.nonce]));
  });
});
