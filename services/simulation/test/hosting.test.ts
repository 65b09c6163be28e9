import { gameId } from '@breakwater/bus';
import { eventually } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gameRecord, Sims, subjects } from './sims.ts';

describe('a hosted game', () => {
  let sims: Sims;
  beforeAll(async () => {
    sims = await Sims.start();
    await sims.pod('sim-a');
  });
  afterAll(() => sims[Symbol.asyncDispose]());

  it('begins its log with a claim and a delta that holds what setup made', async () => {
    expect(await sims.host('sim-a', 'fresh')).toEqual({ outcome: 'hosted', epoch: 1 });
    const [claim, first] = (await eventually(async () => {
      const records = await sims.log('fresh');
      return records.length >= 2 && records.map(({ record }) => record);
    })) as [ReturnType<typeof gameRecord>, ReturnType<typeof gameRecord>];
    expect(claim).toMatchObject({
      kind: 'claim',
      epoch: 1,
      n: 0,
      pod: 'sim-a',
      type: 'world',
      schemaVersion: 1,
    });
    expect(first).toMatchObject({ kind: 'delta', epoch: 1, n: 1 });
  });

  it('answers a join with state that is in the log already', async () => {
    await sims.host('sim-a', 'joined');
    const reply = await sims.join('joined', 'ann');
    expect(reply).toMatchObject({ epoch: 1, pod: 'sim-a', join: 1, pid: 1, ack: 0 });
    const log = await sims.log('joined');
    expect(log.some(({ seq }) => seq === reply.seq)).toBe(true);
    expect(reply.parts.server.length).toBe(0);
    expect(reply.parts.slices.map(({ pid }) => pid)).toEqual([1]);
  });

  it('republishes its records on the feed', async () => {
    await sims.host('sim-a', 'fed');
    const heard: string[] = [];
    sims.bus.subscribe(subjects.gameFeed(gameId('fed')), {}, (message) => {
      heard.push(gameRecord(message.data).kind);
    });
    await sims.bus.flush();
    await sims.join('fed', 'ann');
    await eventually(() => heard.length > 0);
    expect(heard[0]).toBe('delta');
  });
});

describe('the trace of a command', () => {
  it('goes onto the append that contains the command, and with it to the feed', async () => {
    await using sims = await Sims.start();
    await sims.pod('sim-a');
    await sims.host('sim-a', 'traced', { type: 'lab' });
    const { pid } = await sims.join('traced', 'ann');
    const traces: (string | undefined)[] = [];
    sims.bus.subscribe(subjects.gameFeed(gameId('traced')), {}, (message) => void traces.push(message.trace));
    await sims.bus.flush();
    const trace = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`;
    const command = { kind: 'command', pid, join: 1, n: 1, name: 'add', args: {} };
    sims.bus.publish(subjects.gameIn(gameId('traced')), command, { trace });
    // Each second there is an append that nobody asked for.
    await eventually(() => traces.includes(trace));
    sims.command('traced', pid, 2, 'add');
    await eventually(async () => (await sims.join('traced', 'ann')).ack === 2);
    const upTo = traces.length;
    await eventually(() => traces.length > upTo);
    expect(traces.filter((each) => each !== undefined)).toEqual([trace]);
  });
});
