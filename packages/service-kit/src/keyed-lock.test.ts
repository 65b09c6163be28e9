import { expect, test } from 'vitest';
import { KeyedLock } from './keyed-lock.ts';

test('work of one key runs one after the other, of two keys at once, and survives a failure', async () => {
  const lock = new KeyedLock(3, () => new Error('full'));
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const work = (name: string, until?: Promise<void>) => async () => {
    order.push(`${name} begins`);
    await until;
    order.push(`${name} ends`);
    if (name === 'a1') throw new Error('a1');
  };
  const a1 = lock.run('a', work('a1', gate.promise));
  const a2 = lock.run('a', work('a2'));
  await lock.run('b', work('b1'));
  gate.resolve();
  await expect(a1).rejects.toThrow('a1');
  await a2;
  expect(order).toEqual(['a1 begins', 'b1 begins', 'b1 ends', 'a1 ends', 'a2 begins', 'a2 ends']);
});

test('what comes above the limit is refused at once, and has its turn again when some is done', async () => {
  const lock = new KeyedLock(2, () => new Error('full'));
  const gate = Promise.withResolvers<void>();
  const held = [lock.run('a', () => gate.promise), lock.run('a', () => gate.promise)];
  await expect(lock.run('b', async () => 'never')).rejects.toThrow('full');
  gate.resolve();
  await Promise.all(held);
  expect(await lock.run('b', async () => 'now')).toBe('now');
});
