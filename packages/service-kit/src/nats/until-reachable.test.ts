import { expect, it } from 'vitest';
import { createLogOutput } from '../log/logger.ts';
import { BusError } from './errors.ts';
import { untilReachable } from './until-reachable.ts';

const { log } = createLogOutput({ service: 'test', instance: 'test', level: 'silent', bufferBytes: 65_536 });
const forEver = { log, signal: new AbortController().signal };

it('does the work again while NATS cannot be reached, and gives its result', async () => {
  const failures = [new BusError('unavailable', 's', 'away'), new BusError('no_responders', 's', 'nobody')];
  const work = async () => {
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    return 'done';
  };
  expect(await untilReachable(work, forEver)).toBe('done');
  expect(failures).toEqual([]);
});

it('throws at once what NATS refuses', async () => {
  const refusal = new BusError('remote', 's', 'no');
  await expect(untilReachable(() => Promise.reject(refusal), forEver)).rejects.toBe(refusal);
});

it('ends with the reason of its signal', async () => {
  const ending = new AbortController();
  const away = new BusError('unavailable', 's', 'away');
  const work = () => {
    ending.abort(new Error('shutting down'));
    return Promise.reject(away);
  };
  await expect(untilReachable(work, { log, signal: ending.signal })).rejects.toThrow();
});
