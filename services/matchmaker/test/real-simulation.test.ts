import { eventually, type ServiceProcess, spawnService } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { refusalOf, TestBed } from './matchmakers.ts';

function simulation(bed: TestBed, instance: string): Promise<ServiceProcess> {
  return spawnService('simulation', {
    label: instance,
    readyTimeoutMs: 60_000,
    env: {
      BREAKWATER_NATS_URL: bed.nats.url,
      BREAKWATER_INSTANCE: instance,
      BREAKWATER_HTTP_HOST: '127.0.0.1',
      BREAKWATER_HTTP_PORT: '0',
    },
  });
}

/** Settings of a real installation: real processes take their time on a busy machine. */
const UNHURRIED = {
  BREAKWATER_MATCHMAKER_HEARTBEAT_MS: '300',
  BREAKWATER_MATCHMAKER_HOST_TIMEOUT_MS: '5000',
  BREAKWATER_MATCHMAKER_LIST_TIMEOUT_MS: '2000',
};

test('a real game is created once, refuses bad options, and goes on in another process when its own is killed', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker(UNHURRIED);
  await bed.matchmaker(UNHURRIED);
  await using first = await simulation(bed, 'sim-a');
  await eventually(async () => expect(await bed.types()).toContain('world'));

  const options = { objects: 10 };
  const answers = await Promise.all(Array.from({ length: 6 }, () => bed.create('ann', 'mine', { options })));
  const { game } = answers[0]!.info;
  expect(new Set(answers.map(({ info }) => `${info.game} ${info.pod} ${info.epoch}`))).toEqual(
    new Set([`${game} sim-a 1`]),
  );
  expect(await refusalOf(bed.create('ann', 'bad', { options: { objects: -1 } }))).toBe('bad_options');
  expect((await bed.list('world')).map((info) => info.game)).toEqual([game]);

  await using second = await simulation(bed, 'sim-b');
  await first.kill();
  const found = await eventually(async () => {
    const answer = await bed.find(game);
    expect(answer.info.pod).toBe('sim-b');
    return answer;
  });
  expect(found.info).toMatchObject({ epoch: 2 });
  expect(['running', 'sleeping']).toContain(found.info.state);
  await eventually(async () => expect(await bed.entry(game)).toMatchObject({ pod: 'sim-b', epoch: 2 }));
  expect(second.pid).toBeGreaterThan(0);
}, 120_000);

test('a real process that is paused loses its game, and finds out when it wakes', async () => {
  await using bed = await TestBed.start();
  await bed.matchmaker(UNHURRIED);
  await using first = await simulation(bed, 'sim-a');
  const { info } = await eventually(() => bed.create('ann', 'mine', { options: { objects: 10 } }));
  await using _second = await simulation(bed, 'sim-b');
  await eventually(async () => expect(await bed.types()).toContain('world'));
  first.pause();

  await eventually(
    async () => expect((await bed.find(info.game)).info).toMatchObject({ pod: 'sim-b', epoch: 2 }),
    {
      timeoutMs: 30_000,
    },
  );
  first.resume();

  await eventually(async () =>
    expect((await bed.find(info.game)).info).toMatchObject({ pod: 'sim-b', epoch: 2 }),
  );
  expect(await bed.entry(info.game)).toMatchObject({ pod: 'sim-b', epoch: 2 });
}, 120_000);
