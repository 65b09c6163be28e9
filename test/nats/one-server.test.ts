import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { UnderLoad } from './under-load.ts';

const IS_LONG = process.env.BREAKWATER_TEST_LONG !== undefined;

it('faults 25 and 26: games freeze while nats-server stands still or is dead, and go on; nobody reconnects, nothing is lost', async () => {
  await using load = await UnderLoad.start();
  const { nats } = load.stack;
  nats.pause();
  await sleep(1_000);
  nats.resume();
  await load.goesOn();

  const frozenBefore = await load.frozenSeconds();
  nats.pause();
  const pausedMs = performance.now();
  await load.standsStill();
  await sleep(Math.max(0, 5_000 - (performance.now() - pausedMs)));
  expect(await load.frozenSeconds()).toBeGreaterThan(frozenBefore);
  nats.resume();
  await load.goesOn();

  await nats.kill();
  await load.standsStill();
  await nats.restart();
  await load.goesOn();
  await load.finish();
}, 240_000);

if (IS_LONG)
  it('fault 25: a minute without NATS is the same, only longer', async () => {
    await using load = await UnderLoad.start();
    const { nats } = load.stack;
    nats.pause();
    await sleep(60_000);
    await load.standsStill();
    nats.resume();
    await load.goesOn();
    await nats.kill();
    await sleep(60_000);
    await nats.restart();
    await load.goesOn();
    await load.finish();
  }, 480_000);
