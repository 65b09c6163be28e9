import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createLogOutput } from '../log/logger.ts';
import { Lifecycle, type Part } from './lifecycle.ts';

const { log } = createLogOutput({ service: 'test', instance: 'test', level: 'silent' });

function recorder() {
  const events: string[] = [];
  const part = (name: string, extra: Part = {}): Part => ({
    start: () => void events.push(`start ${name}`),
    drain: () => void events.push(`drain ${name}`),
    stop: () => void events.push(`stop ${name}`),
    ...extra,
  });
  return { events, part };
}

const never = () => new Promise<void>(() => undefined);

describe('a lifecycle', () => {
  test('starts in order, drains in reverse, then stops in reverse', async () => {
    const { events, part } = recorder();
    const lifecycle = new Lifecycle({ log });
    lifecycle.add('a', part('a'));
    lifecycle.add('b', part('b'));
    await lifecycle.start();
    expect(lifecycle.state).toBe('running');
    expect(await lifecycle.shutdown({ drain: true })).toEqual({ clean: true, faults: [] });
    expect(events).toEqual(['start a', 'start b', 'drain b', 'drain a', 'stop b', 'stop a']);
    expect(lifecycle.state).toBe('stopped');
  });

  test('starts parts that a part adds while it starts, after that part', async () => {
    const { events, part } = recorder();
    const lifecycle = new Lifecycle({ log });
    lifecycle.add('app', part('app', { start: () => lifecycle.add('inner', part('inner')) }));
    await lifecycle.start();
    await lifecycle.shutdown({ drain: false });
    expect(events).toEqual(['start inner', 'stop inner', 'stop app']);
  });

  test('does not drain when it only stops', async () => {
    const { events, part } = recorder();
    const lifecycle = new Lifecycle({ log });
    lifecycle.add('a', part('a'));
    await lifecycle.start();
    await lifecycle.shutdown({ drain: false });
    expect(events).toEqual(['start a', 'stop a']);
  });

  test('stops what was started when a later part cannot start', async () => {
    const { events, part } = recorder();
    const lifecycle = new Lifecycle({ log });
    lifecycle.add('a', part('a'));
    lifecycle.add('b', part('b', { start: () => Promise.reject(new Error('port taken')) }));
    lifecycle.add('c', part('c'));
    await expect(lifecycle.start()).rejects.toThrow('port taken');
    await lifecycle.shutdown({ drain: true });
    expect(events).toEqual(['start a', 'stop b', 'stop a']);
  });

  test('gives up a start that hangs when it is told to end', async () => {
    const { events, part } = recorder();
    const lifecycle = new Lifecycle({ log });
    lifecycle.add('a', part('a'));
    const begun = Promise.withResolvers<void>();
    const hang = () => {
      begun.resolve();
      return never();
    };
    lifecycle.add('b', part('b', { start: hang }));
    const started = lifecycle.start();
    await begun.promise;
    const result = await lifecycle.shutdown({ drain: true });
    await expect(started).rejects.toThrow('shutting down');
    expect(result.clean).toBe(true);
    expect(events).toEqual(['start a', 'stop b', 'stop a']);
  });

  test('goes on after a drain that hangs, stops everything, and says that it was not clean', async () => {
    const { events, part } = recorder();
    const lifecycle = new Lifecycle({ log, drainDeadlineMs: 200, stopDeadlineMs: 100 });
    let aborted = false;
    lifecycle.add('a', part('a'));
    lifecycle.add(
      'b',
      part('b', {
        drain: ({ signal }) => new Promise(() => signal.addEventListener('abort', () => (aborted = true))),
      }),
    );
    await lifecycle.start();
    const result = await lifecycle.shutdown({ drain: true });
    expect(aborted).toBe(true);
    expect(result.clean).toBe(false);
    expect(result.faults).toContain('drain of b: the deadline was missed');
    expect(events).toEqual(['start a', 'start b', 'drain a', 'stop b', 'stop a']);
  });

  test('calls every stop even when one hangs past the deadline and one throws', async () => {
    const { events, part } = recorder();
    const lifecycle = new Lifecycle({ log, stopDeadlineMs: 100 });
    lifecycle.add('a', part('a'));
    lifecycle.add('b', part('b', { stop: () => Promise.reject(new Error('disk full')) }));
    lifecycle.add('c', part('c', { stop: never }));
    await lifecycle.start();
    const result = await lifecycle.shutdown({ drain: false });
    expect(result.faults).toContain('stop of c: the deadline was missed');
    expect(result.faults.some((fault) => fault.startsWith('stop of b: '))).toBe(true);
    expect(events).toContain('stop a');
    expect(lifecycle.state).toBe('failed');
  });

  test('tells a drain how much time is left', async () => {
    const lifecycle = new Lifecycle({ log, drainDeadlineMs: 1_000, stopDeadlineMs: 400 });
    const remaining: number[] = [];
    lifecycle.add('a', {
      drain: async (context) => {
        remaining.push(context.remainingMs());
        await sleep(20);
        remaining.push(context.remainingMs());
      },
    });
    await lifecycle.start();
    await lifecycle.shutdown({ drain: true });
    const [before = 0, after = 0] = remaining;
    expect(before).toBeLessThanOrEqual(600);
    expect(after).toBeLessThan(before);
    expect(after).toBeGreaterThan(0);
  });

  test('ends once: a second shutdown gets the first one’s result', async () => {
    const { events, part } = recorder();
    const lifecycle = new Lifecycle({ log });
    lifecycle.add('a', part('a'));
    await lifecycle.start();
    const [first, second] = await Promise.all([
      lifecycle.shutdown({ drain: true }),
      lifecycle.shutdown({ drain: false }),
    ]);
    expect(second).toBe(first);
    expect(events).toEqual(['start a', 'drain a', 'stop a']);
  });

  test('fires its ending signal before the first drain', async () => {
    const lifecycle = new Lifecycle({ log });
    let wasAborted: boolean | undefined;
    lifecycle.add('a', {
      drain: () => {
        wasAborted = lifecycle.ending.aborted;
      },
    });
    await lifecycle.start();
    expect(lifecycle.ending.aborted).toBe(false);
    await lifecycle.shutdown({ drain: true });
    expect(wasAborted).toBe(true);
  });

  test('says its last words once, and waits for none of them for long', async () => {
    const lifecycle = new Lifecycle({ log });
    const said: string[] = [];
    lifecycle.addLastWord(() => void said.push('first'));
    lifecycle.addLastWord(() => {
      throw new Error('lost for words');
    });
    lifecycle.addLastWord(() => {
      said.push('third');
      return never();
    });
    await lifecycle.sayLastWords(20);
    await lifecycle.sayLastWords(20);
    expect(said).toEqual(['first', 'third']);
  });

  test('refuses parts after the start', async () => {
    const lifecycle = new Lifecycle({ log });
    await lifecycle.start();
    expect(() => lifecycle.add('late', {})).toThrow('added when running');
    await lifecycle[Symbol.asyncDispose]();
  });
});
