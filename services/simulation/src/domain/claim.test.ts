import { encodeGameRecord } from '@breakwater/bus';
import { describe, expect, it } from 'vitest';
import { refuseBehind } from './claim.ts';
import { NAMELESS } from './end-failed.ts';

const claimOf = (type: string) => ({
  seq: 7,
  bytes: encodeGameRecord({
    ...{ kind: 'claim', epoch: 3, nonce: 'nonce', n: 0 },
    ...{ pod: 'pod', type, schemaVersion: 1, details: '{}' },
  }),
});

describe('a claim', () => {
  it('is right behind one of a lower epoch', () => {
    expect(refuseBehind(claimOf('lab'), 4)).toBeUndefined();
    expect(refuseBehind(claimOf('lab'), 3)).toEqual({ refusal: 'claimed', epoch: 3 });
  });

  it('is refused for good behind one that was made to end the game, though the end is missing', () => {
    expect(refuseBehind(claimOf(NAMELESS.type), 4)).toMatchObject({ refusal: 'failed', epoch: 3 });
  });
});
