import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CommandLog } from './command-log.ts';

/** The owner of the game: applies only the number after the last. */
class Owner {
  ack = 0;
  readonly applied: string[] = [];

  take(n: number, name: string): void {
    if (n !== this.ack + 1) return;
    this.ack = n;
    this.applied.push(name);
  }
}

type Step = 'send' | 'lost' | 'resend' | 'ack' | 'rejoin';

test('whatever is lost and repeated: each command is applied once, in order, and told so', () => {
  const steps = fc.array(fc.constantFrom<Step>('send', 'send', 'lost', 'resend', 'ack', 'rejoin'), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(steps, (script) => {
      const log = new CommandLog<null>(1_000);
      const owner = new Owner();
      const told: string[] = [];
      let count = 0;
      const tell = (ack: number) => told.push(...log.covered(ack).applied.map(({ name }) => name));
      const resend = () => {
        for (const { n, name } of log.uncovered()) owner.take(n, name);
      };
      log.joined(1, 0);
      for (const step of script) {
        if (step === 'send' || step === 'lost') {
          const { n, name } = log.add(`c${++count}`, undefined, null);
          if (step === 'send') owner.take(n, name);
        }
        if (step === 'resend') resend();
        if (step === 'ack') tell(owner.ack);
        if (step === 'rejoin') told.push(...log.joined(1, owner.ack).applied.map(({ name }) => name));
      }
      while (log.size > 0) {
        resend();
        tell(owner.ack);
      }
      const all = Array.from({ length: count }, (_, index) => `c${index + 1}`);
      expect(owner.applied).toEqual(all);
      expect(told).toEqual(all);
    }),
  );
});

test('numbers go on after those of an earlier session', () => {
  const log = new CommandLog<null>(10);
  log.joined(4, 17);
  expect(log.add('next', undefined, null).n).toBe(18);
});

test('an answer to a join that is older than what is shown takes nothing back', () => {
  const log = new CommandLog<null>(10);
  log.joined(4, 0);
  for (const name of ['a', 'b', 'c']) log.add(name, undefined, null);
  log.covered(2);
  expect(log.joined(4, 1)).toEqual({ applied: [], lost: [] });
  expect([log.ack, log.uncovered().map(({ n }) => n), log.add('d', undefined, null).n]).toEqual([2, [3], 4]);
});

test('a state that fell back takes nothing back either, until it has caught up', () => {
  const log = new CommandLog<null>(10);
  log.joined(4, 0);
  for (const name of ['a', 'b', 'c', 'd']) log.add(name, undefined, null);
  log.covered(3);
  expect(log.joined(4, 1)).toEqual({ applied: [], lost: [] });
  expect(log.covered(2)).toEqual({ applied: [], lost: [] });
  expect(log.covered(4)).toMatchObject({ applied: [{ name: 'd' }], lost: [] });
  expect(log.add('e', undefined, null).n).toBe(5);
});

test('another seat begins anew, and what was sent for the old one is lost', () => {
  const log = new CommandLog<null>(10);
  log.joined(4, 0);
  log.add('a', undefined, null);
  log.covered(1);
  log.add('b', undefined, null);
  expect(log.joined(9, 0)).toMatchObject({ applied: [], lost: [{ name: 'b' }] });
  expect(log.add('c', undefined, null).n).toBe(1);
});

test('numbers that were never given here come from another session of the player: one cannot know what was applied', () => {
  const log = new CommandLog<null>(10);
  log.joined(4, 0);
  log.add('mine', undefined, null);
  expect(log.covered(3)).toMatchObject({ applied: [], lost: [{ name: 'mine' }] });
  expect(log.add('next', undefined, null).n).toBe(4);
});

test('a rejected command has its answer, and its number stays used', () => {
  const log = new CommandLog<null>(2);
  log.joined(4, 0);
  log.add('a', undefined, null);
  log.add('b', undefined, null);
  expect(() => log.add('c', undefined, null)).toThrow(expect.objectContaining({ code: 'queue_full' }));
  expect(log.rejected(1)).toMatchObject({ name: 'a' });
  expect(log.rejected(1)).toBeUndefined();
  expect(log.covered(2)).toMatchObject({ applied: [{ name: 'b' }] });
  expect(log.add('c', undefined, null).n).toBe(3);
});

test('set back with its game: what waits is lost, and numbers go on after what the game has', () => {
  const log = new CommandLog<null>(10);
  log.joined(1, 0);
  for (const name of ['a', 'b', 'c']) log.add(name, undefined, null);
  log.covered(2);
  expect(log.setBack(1, 1)).toMatchObject({ applied: [], lost: [{ n: 3, name: 'c' }] });
  expect([log.ack, log.size, log.add('d', undefined, null).n]).toEqual([1, 0, 2]);
});
