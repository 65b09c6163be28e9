import { expect, it } from 'vitest';
import { Freeze } from './freeze.ts';

function freezeAfterASecond() {
  const told: string[] = [];
  const freeze = new Freeze(1_000, {
    onFrozen: (ms) => told.push(`frozen for ${ms}`),
    onThawed: (ms) => told.push(`thawed after ${ms}`),
  });
  return { freeze, told };
}

it('tells how long a game stands still while it does, and all of it at the end', () => {
  const { freeze, told } = freezeAfterASecond();
  expect(freeze.isFrozen(999, 5_000)).toBe(false);
  expect(freeze.isFrozen(1_000, 5_001)).toBe(true);
  expect(told).toEqual([]);
  freeze.isFrozen(1_050, 5_051);
  freeze.isFrozen(1_100, 5_101);
  freeze.thaw(5_111);
  expect(told).toEqual(['frozen for 50', 'frozen for 50', 'frozen for 10', 'thawed after 110']);
  freeze.thaw(9_000);
  expect(told).toHaveLength(4);
});
