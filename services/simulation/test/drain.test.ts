import { eventually, type ServiceProcess, spawnService } from '@breakwater/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Archive } from './replay-log.ts';
import { Sims, simEnv } from './sims.ts';

const LAB = { type: 'lab', options: { mode: 'restless' } } as const;
const says = (text: string) => (line: { text: string }) => line.text.includes(text);

describe('a simulation process that is told to end', { timeout: 120_000 }, () => {
  let sims: Sims;
  const children: ServiceProcess[] = [];
  const heard: { pod: string; isDraining: boolean; isLeaving: boolean; games: number }[] = [];
  beforeEach(async () => {
    sims = await Sims.start();
    heard.length = 0;
    sims.onStatus((status) => void heard.push(status));
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.kill()));
    await sims[Symbol.asyncDispose]();
  });

  async function child(pod: string, env: Record<string, string> = {}): Promise<ServiceProcess> {
    const process = await spawnService('simulation', { env: simEnv(sims.nats, pod, env) });
    children.push(process);
    return process;
  }

  const wordsOf = (pod: string) => heard.filter((status) => status.pod === pod);
  const isReady = async (process: ServiceProcess) => {
    try {
      return (await fetch(`http://127.0.0.1:${process.ready.httpPort}/readyz`)).ok;
    } catch {
      return false;
    }
  };

  it('plays on, not ready, until each of its games was taken over, and then ends well', async () => {
    await sims.pod('sim-new');
    const old = await child('sim-old', { BREAKWATER_DRAIN_DEADLINE_MS: '60000' });
    const archives = new Map<string, Archive>();
    for (const game of ['d-1', 'd-2', 'd-3']) {
      archives.set(game, await Archive.of(sims, game));
      await sims.host('sim-old', game, LAB);
      await sims.join(game, 'ann');
    }
    await sims.host('sim-old', 'd-asleep', { type: 'lab' });
    await eventually(async () =>
      (await sims.list('sim-old')).some(({ game, state }) => game === 'd-asleep' && state === 'sleeping'),
    );
    expect(await isReady(old)).toBe(true);
    old.signal('SIGTERM');
    await eventually(() => wordsOf('sim-old').some(({ isDraining }) => isDraining));
    expect(await isReady(old)).toBe(false);
    const before = archives.get('d-3')!.records.length;
    await eventually(() => archives.get('d-3')!.records.length > before + 20);
    for (const game of [...archives.keys(), 'd-asleep']) {
      expect(old.exitStatus).toBeUndefined();
      await sims.warm('sim-new', game, { type: 'lab' });
      const tailSeq = await sims.release('sim-old', game, 1);
      expect(await sims.host('sim-new', game, { ...LAB, epoch: 2, tailSeq })).toMatchObject({
        outcome: 'hosted',
      });
    }
    expect(await old.exited).toEqual({ code: 0, signal: null });
    await eventually(() => expect(wordsOf('sim-old').at(-1)).toMatchObject({ isLeaving: true, games: 0 }));
    for (const [game, archive] of archives) {
      expect(await sims.join(game, 'ann', 2)).toMatchObject({ epoch: 2, pod: 'sim-new' });
      (await archive.complete()).replay();
      expect(archive.kinds().filter((kind) => kind.startsWith('end'))).toEqual([]);
    }
    expect(await sims.join('d-asleep', 'ann')).toMatchObject({ epoch: 2, pod: 'sim-new' });
  });

  it('leaves what nobody took with a snapshot and without an end when its time is over', async () => {
    await sims.pod('sim-new');
    const old = await child('sim-old', { BREAKWATER_SIMULATION_HAND_OVER_MS: '1500' });
    const archive = await Archive.of(sims, 'left');
    await sims.host('sim-old', 'left', LAB);
    const { pid } = await sims.join('left', 'ann');
    sims.command('left', pid, 1, 'add', { tag: 1 });
    old.signal('SIGTERM');
    await old.waitForLine(says('the time to move them is over'), 20_000);
    expect(await old.exited).toEqual({ code: 0, signal: null });
    await eventually(() => expect(wordsOf('sim-old').at(-1)).toMatchObject({ isLeaving: true }));
    await archive.complete();
    expect(archive.kinds().filter((kind) => kind.startsWith('end'))).toEqual([]);
    const tail = archive.records.at(-1)!.seq;
    expect(await sims.host('sim-new', 'left', { ...LAB, epoch: 2 })).toMatchObject({ outcome: 'hosted' });
    const reply = await sims.join('left', 'ann', 2);
    expect(reply).toMatchObject({ pid, ack: 1 });
    expect(reply.seq).toBeGreaterThan(tail);
  });

  it('does not wait for a move when no other process is there', async () => {
    const old = await child('sim-old', { BREAKWATER_DRAIN_DEADLINE_MS: '120000' });
    await sims.host('sim-old', 'alone', LAB);
    old.signal('SIGTERM');
    await old.waitForLine(says('no other process is there'), 30_000);
    expect(await old.exited).toEqual({ code: 0, signal: null });
  });

  it('says that it leaves when something throws that nobody catches, and appends nothing after that', async () => {
    const doomed = await child('sim-doomed');
    const archive = await Archive.of(sims, 'orphan');
    await sims.host('sim-doomed', 'orphan', LAB);
    const { pid } = await sims.join('orphan', 'ann');
    sims.command('orphan', pid, 1, 'throwLater');
    expect(await doomed.exited).toEqual({ code: 1, signal: null });
    await eventually(() => expect(wordsOf('sim-doomed').at(-1)).toMatchObject({ isLeaving: true }));
    await archive.complete();
    archive.replay();
  });
});
