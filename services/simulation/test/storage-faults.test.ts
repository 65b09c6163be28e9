import { execFileSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { gameId } from '@breakwater/bus';
import type { RunningService } from '@breakwater/service-kit';
import { eventually, type NatsServer, startNats } from '@breakwater/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Archive } from './replay-log.ts';
import { Sims, subjects } from './sims.ts';

/** `npm run test:long` */
const IS_LONG = process.env.BREAKWATER_TEST_LONG !== undefined;
const RESTLESS = { type: 'lab', options: { mode: 'restless' } } as const;
const QUICK = {
  BREAKWATER_SIMULATION_FREEZE_AFTER_MS: '100',
  BREAKWATER_SIMULATION_APPEND_TIMEOUT_MS: '300',
  BREAKWATER_SIMULATION_STREAM_CHECK_MS: '100',
};
const PATIENT = { timeoutMs: 30_000 };
const GAME = 'stored';

async function metric(pod: RunningService, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${pod.httpPort}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1] ?? Number.NaN);
}

/** `nats-server` may be hurt and started again; the simulation process is the same from the first line to the last. */
describe('fault 28: a game', () => {
  let nats: NatsServer;
  let sims: Sims;
  let pod: RunningService;
  let archive: Archive;
  let pid = 0;
  beforeEach(async () => {
    nats = await startNats();
    sims = await Sims.start(nats);
    pod = await sims.pod('sim-a', QUICK);
    archive = await Archive.of(sims, GAME);
    expect(await sims.host('sim-a', GAME, RESTLESS)).toMatchObject({ outcome: 'hosted' });
    ({ pid } = await sims.join(GAME, 'ann'));
    sims.command(GAME, pid, 1, 'add', { tag: 1 });
    await eventually(async () => (await sims.join(GAME, 'ann', 2)).ack === 1);
  });
  afterEach(() => sims[Symbol.asyncDispose]());

  const frozenSeconds = () => metric(pod, 'breakwater_simulation_frozen_seconds_total');
  const lostStreams = () => metric(pod, 'breakwater_simulation_lost_streams');

  /** Counted while it lasts; nothing is shown, and who joins is not answered with a state that is not stored. */
  async function expectFrozen(): Promise<void> {
    const before = await frozenSeconds();
    await eventually(async () => (await frozenSeconds()) > before + 0.5, PATIENT);
    const shown = archive.records.length;
    const join = { kind: 'join', edge: 'edge-1', session: 's', user: 'bob', name: 'bob', join: 1 } as const;
    await expect(sims.ask(GAME, { ...join, spectate: false }, 500)).rejects.toThrow();
    expect(archive.records).toHaveLength(shown);
  }

  /** From where it stood, by the same claim; what was acknowledged is there, once. */
  async function expectToGoOn(): Promise<void> {
    await eventually(() => sims.bus.isConnected, PATIENT);
    const reply = await eventually(() => sims.join(GAME, 'ann', 3), PATIENT);
    expect(reply).toMatchObject({ epoch: 1, pid, ack: 1 });
    sims.command(GAME, pid, 2, 'add', { tag: 2 });
    await eventually(async () => (await sims.join(GAME, 'ann', 3)).ack === 2, PATIENT);
    await archive.complete();
    const kinds = archive.kinds();
    expect(kinds.filter((kind) => kind.startsWith('claim'))).toEqual(['claim 1.0']);
    expect(kinds.slice(1)).toEqual(kinds.slice(1).map((_, index) => `delta 1.${index + 1}`));
    const counter = archive.replay().instance.tables.counters.need(pid);
    expect([counter.value, counter.last]).toEqual([2, 2]);
  }

  // The limit of a process that runs can be set on Linux only.
  const onLinux = it.runIf(process.platform === 'linux');
  onLinux(
    'stands still while the disk takes no more, and goes on when it does and NATS was started again',
    async () => {
      const limitFiles = (bytes: string) =>
        execFileSync('prlimit', ['--pid', String(nats.pid), `--fsize=${bytes}:`]);
      limitFiles('1');
      await expectFrozen();
      const tail = await sims.bus.lastMessage(sims.gameStream(GAME), subjects.gameLog(gameId(GAME)));
      expect(archive.records.map(({ seq }) => seq)).toContain(tail?.seq);
      limitFiles('unlimited');
      // nats-server writes no more to a stream after a write that failed.
      await nats.restart();
      await expectToGoOn();
    },
    90_000,
  );

  it('stands still while NATS runs without JetStream, and goes on when it has it again', async () => {
    const config = nats.servers[0]!.config;
    config.extra = 'jetstream: false';
    await nats.restart();
    await eventually(() => sims.bus.isConnected, PATIENT);
    await expectFrozen();
    delete config.extra;
    await nats.restart();
    await expectToGoOn();
  }, 90_000);

  it('stands still while its stream is gone, which is alarmed and not made anew, and goes on when it is put back', async () => {
    const stream = sims.gameStream(GAME);
    const folder = join(nats.dir, 'store', 'jetstream', '$G', 'streams', stream);
    const away = join(nats.dir, 'away');
    expect(await lostStreams()).toBe(0);
    await nats.kill();
    renameSync(folder, away);
    await nats.restart();
    await eventually(() => sims.bus.isConnected, PATIENT);
    await expectFrozen();
    await eventually(async () => (await lostStreams()) === 1, PATIENT);
    await expect(sims.bus.streamState(stream)).rejects.toMatchObject({ code: 'not_found' });
    await nats.kill();
    renameSync(away, folder);
    await nats.restart();
    await expectToGoOn();
    await eventually(async () => (await lostStreams()) === 0, PATIENT);
  }, 90_000);

  it('whose stream was made anew by another process is not begun anew, and both processes say that it is gone', async () => {
    const stream = sims.gameStream(GAME);
    const options = { decode: (value: unknown) => value as object, timeoutMs: 5_000 };
    await sims.bus.request(`$JS.API.STREAM.DELETE.${stream}`, '', options);
    const lines: { state: string }[] = [];
    sims.onStatus(({ changed }) => lines.push(...changed.filter(({ game }) => game === GAME)));
    const next = await sims.pod('sim-b', QUICK);
    const lostThere = () => metric(next, 'breakwater_simulation_lost_streams');
    expect(await lostThere()).toBe(1);
    expect(await sims.host('sim-b', GAME, { ...RESTLESS, epoch: 2 })).toMatchObject({ refusal: 'log_lost' });
    await eventually(async () => (await lostStreams()) === 1, PATIENT);
    expect(await sims.log(GAME)).toEqual([]);
    // It was looked at more than once by now, and what is gone does not come back with an empty stream.
    expect(await lostThere()).toBe(1);
    // Its owner looks for its records for about half a minute before it believes that they are gone.
    if (!IS_LONG) return;
    await eventually(() => lines.some(({ state }) => state === 'failed'), { timeoutMs: 60_000 });
    expect(await sims.list('sim-a')).toEqual([]);
    expect(await sims.log(GAME)).toEqual([]);
  }, 90_000);
});
