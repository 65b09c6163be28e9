import { encodeGameRecord } from '@breakwater/bus';
import { FakeClock } from '@breakwater/testkit';
import { describe, expect, it } from 'vitest';
import { type FailedGame, NAMELESS } from './end-failed.ts';
import { Retention, type RetentionOptions, type Standing } from './retention.ts';

const DAY_MS = 86_400_000;
const OPTIONS: RetentionOptions = {
  endedMs: DAY_MS,
  forgottenMs: 0,
  tombstoneMs: 30 * DAY_MS,
  quietMs: 60_000,
  paceMs: 5,
  maxRemembered: 100,
};
const head = { epoch: 1, nonce: 'nonce', n: 0 };
const details = { pod: 'pod', schemaVersion: 1, details: '{}' };
const CLAIM = encodeGameRecord({ kind: 'claim', ...head, ...details, type: 'lab' });
const NAMELESS_CLAIM = encodeGameRecord({ kind: 'claim', ...head, ...details, type: NAMELESS.type });
const UNREADABLE = new Uint8Array([99, 99, 99]);

/** What is done to a game with this tail, of this age. */
async function swept(
  bytes: Uint8Array,
  { ageMs, kind = 'missing' }: { readonly ageMs: number; readonly kind?: 'open' | 'missing' },
  options: Partial<RetentionOptions> = {},
): Promise<string[]> {
  const clock = new FakeClock();
  const nowMs = clock.unixMs();
  const acts: string[] = [];
  const ports = {
    games: async () => new Map([['game', 3]]),
    snapshotted: async () => new Set<string>(),
    tail: async () => ({ seq: 9, bytes, unixMs: nowMs - ageMs }),
    standing: async (): Promise<Standing> => ({ kind }),
    end: async (_game: string, _tail: unknown, { type }: FailedGame) => void acts.push(`end of '${type}'`),
    trim: async () => void acts.push('trim'),
    forget: async () => void acts.push('forget'),
    clock,
    unixMs: () => nowMs,
  };
  const retention = new Retention(ports, { ...OPTIONS, ...options }, () => undefined);
  const sweep = retention.sweep(0, new AbortController().signal);
  await clock.advanceAsync(1_000);
  await sweep;
  return acts;
}

describe('a game that the registry does not know', () => {
  it('is left alone, readable or not, however long it was quiet', async () => {
    expect(await swept(CLAIM, { ageMs: 1_000 * DAY_MS })).toEqual([]);
    expect(await swept(UNREADABLE, { ageMs: 1_000 * DAY_MS })).toEqual([]);
  });

  it('gets an end after the time that was set for it', async () => {
    const forgottenMs = 2 * DAY_MS;
    expect(await swept(CLAIM, { ageMs: forgottenMs - 1 }, { forgottenMs })).toEqual([]);
    expect(await swept(CLAIM, { ageMs: forgottenMs }, { forgottenMs })).toEqual(["end of ''"]);
    expect(await swept(UNREADABLE, { ageMs: forgottenMs }, { forgottenMs })).toEqual(['trim']);
    expect(await swept(CLAIM, { ageMs: 9 * DAY_MS, kind: 'open' }, { forgottenMs })).toEqual([]);
  });
});

describe('a game that was claimed only to be ended', () => {
  it('gets the end that it lacks, whatever the registry says', async () => {
    for (const kind of ['open', 'missing'] as const)
      expect(await swept(NAMELESS_CLAIM, { ageMs: OPTIONS.quietMs, kind })).toEqual(["end of ''"]);
    expect(await swept(NAMELESS_CLAIM, { ageMs: 0 })).toEqual([]);
  });
});
