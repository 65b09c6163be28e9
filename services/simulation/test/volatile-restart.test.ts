import { eventually } from '@breakwater/testkit';
import { expect, it } from 'vitest';
import { Sims } from './sims.ts';
import { TWITCH, VOLATILE_GAMES } from './volatile-viewer.ts';

it('a volatile game that throws while NATS is away is hosted anew when it is back', async () => {
  await using sims = await Sims.start();
  const { httpPort } = await sims.pod('sim-a', {
    ...VOLATILE_GAMES,
    BREAKWATER_SIMULATION_HOST_TIMEOUT_MS: '500',
    BREAKWATER_SIMULATION_VOLATILE_LOSS_MS: '20000',
  });
  const unavailable = async () => {
    const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
    return Number(
      /^breakwater_simulation_hostings_total\{result="unavailable"\} (\S+)/m.exec(text)?.[1] ?? 0,
    );
  };
  await eventually(() => sims.host('sim-a', 'away', { ...TWITCH, options: { throwAtTick: 100 } }));
  await sims.join('away', 'ann');
  sims.nats.pause();
  await eventually(async () => (await unavailable()) > 0, { timeoutMs: 30_000 });
  sims.nats.resume();
  await eventually(
    async () =>
      (await sims.log('away')).some(({ record: { kind, epoch } }) => kind === 'claim' && epoch >= 2),
    { timeoutMs: 30_000 },
  );
  expect(await unavailable()).toBeGreaterThan(0);
}, 90_000);
