import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LiveDrop, LiveFollower } from './live-follower.ts';

/** A follower of epoch 3 that knows position 10, and everything that it says. */
function bench({ epoch = 3, n = 10, maxQueued = 8 } = {}) {
  const shown: string[] = [];
  const dropped: LiveDrop[] = [];
  const owners: number[] = [];
  let resets = 0;
  const follower: LiveFollower<string> = new LiveFollower<string>(
    {
      forward: ({ record }) => shown.push(record),
      newOwner: (epoch) => owners.push(epoch),
      reset: () => {
        resets += 1;
      },
      dropped: (reason) => dropped.push(reason),
    },
    epoch,
    maxQueued,
  );
  if (n >= 0) follower.start(epoch, n);
  const hear = (epoch: number, ...numbers: number[]) => {
    for (const n of numbers) follower.onDelta({ epoch, n, record: `${epoch}:${n}` });
  };
  return { follower, shown, dropped, owners, hear, resets: () => resets };
}

describe('deltas of the owner that is followed', () => {
  it('are handed on one after the other', () => {
    const { hear, shown, follower, resets } = bench();
    hear(3, 11, 12, 13);
    expect(shown).toEqual(['3:11', '3:12', '3:13']);
    expect(follower.position).toEqual({ epoch: 3, n: 13 });
    expect(resets()).toBe(0);
  });

  it('are handed on once: late copies are dropped and counted', () => {
    const { hear, shown, dropped } = bench();
    hear(3, 11, 11, 9, 12);
    expect(shown).toEqual(['3:11', '3:12']);
    expect(dropped).toEqual(['late', 'late']);
  });

  it('wait behind a hole for full state, which is asked for once, and go on from there', () => {
    const { hear, shown, follower, resets } = bench();
    hear(3, 11, 13, 14);
    expect([shown, resets(), follower.state]).toEqual([['3:11'], 1, 'waiting']);
    follower.start(3, 13);
    hear(3, 15);
    expect(shown).toEqual(['3:11', '3:14', '3:15']);
  });

  it('wait for full state when there may be a hole, which is not asked for a second time then', () => {
    const { hear, shown, follower, resets } = bench();
    follower.doubt();
    hear(3, 14, 15);
    expect([shown, follower.state]).toEqual([[], 'waiting']);
    follower.start(3, 14);
    hear(3, 16);
    expect([shown, resets()]).toEqual([['3:15', '3:16'], 0]);
  });

  it('may have another hole behind the state that came', () => {
    const { hear, shown, follower, resets } = bench();
    hear(3, 13, 14, 17);
    follower.start(3, 13);
    expect([shown, resets(), follower.state]).toEqual([['3:14'], 2, 'waiting']);
    hear(3, 18);
    follower.start(3, 17);
    expect(shown).toEqual(['3:14', '3:18']);
  });

  it('are kept in a bounded number while full state is awaited: a state from before those let go leads nowhere', () => {
    const { hear, shown, follower, resets } = bench({ n: -1, maxQueued: 4 });
    hear(3, 1, 2, 3, 4, 5, 6, 7, 8);
    follower.start(3, 2);
    expect([shown, resets()]).toEqual([[], 1]);
    follower.start(3, 6);
    expect(shown).toEqual(['3:7', '3:8']);
  });
});

describe('deltas of another owner', () => {
  it('of a lower epoch are dropped and counted, whatever their number', () => {
    const { hear, shown, dropped, resets } = bench();
    hear(2, 11, 400);
    hear(1, 1);
    expect([shown, resets(), dropped]).toEqual([[], 0, ['old_owner', 'old_owner', 'old_owner']]);
    hear(3, 11);
    expect(shown).toEqual(['3:11']);
  });

  it('of a higher epoch are told, and none is handed on before full state of it', () => {
    const { hear, shown, dropped, owners, follower } = bench();
    hear(5, 1, 2, 3);
    hear(3, 11);
    expect([shown, owners, dropped, follower.state]).toEqual([[], [5], ['old_owner'], 'waiting']);
    follower.start(3, 11);
    expect(follower.state).toBe('waiting');
    follower.start(5, 1);
    expect(shown).toEqual(['5:2', '5:3']);
  });

  it('that is known by its claim void what was queued of the one before', () => {
    const { hear, shown, follower } = bench();
    hear(3, 13);
    follower.rise(4);
    hear(4, 1);
    follower.start(4, 0);
    hear(3, 12);
    expect(shown).toEqual(['4:1']);
  });
});

it('says nothing any more once it is closed', () => {
  const { hear, shown, owners, follower, resets } = bench();
  follower.close();
  follower.start(9, 1);
  hear(9, 2, 7);
  expect([shown, owners, resets()]).toEqual([[], [], 0]);
});

it('shows every run of events without a hole, a repetition or an older owner, and all of it with a state at the end', () => {
  type Event = { readonly epoch: number; readonly n: number };
  const event: fc.Arbitrary<Event> = fc.record({
    epoch: fc.integer({ min: 1, max: 3 }),
    n: fc.integer({ min: 1, max: 12 }),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), fc.array(fc.boolean()), (events, answers) => {
      let awaits = true;
      let at = { epoch: 1, n: 0 };
      const follower: LiveFollower<string> = new LiveFollower<string>(
        {
          forward: ({ epoch, n }) => {
            expect({ epoch, n }).toEqual({ epoch: at.epoch, n: at.n + 1 });
            at = { epoch, n };
          },
          newOwner: () => {
            awaits = true;
          },
          reset: () => {
            awaits = true;
          },
          dropped: () => undefined,
        },
        1,
        4,
      );
      const newest = new Map<number, number>();
      let highest = 1;
      // The owner's state is as far as anything that was heard of it.
      const answer = () => {
        awaits = false;
        at = { epoch: highest, n: newest.get(highest) ?? 0 };
        follower.start(at.epoch, at.n);
      };
      for (const [index, { epoch, n }] of events.entries()) {
        highest = Math.max(highest, epoch);
        newest.set(epoch, Math.max(newest.get(epoch) ?? 0, n));
        follower.onDelta({ epoch, n, record: '' });
        if (awaits && (answers[index] ?? false)) answer();
      }
      if (awaits) answer();
      expect(follower.state).toBe('following');
      expect(follower.position).toEqual({ epoch: highest, n: newest.get(highest) ?? 0 });
    }),
  );
});
