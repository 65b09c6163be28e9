import { describe, expect, test } from 'vitest';
import { ServerVersionError } from './errors.ts';
import { assertServerVersion, parseServerVersion, serverFault } from './version.ts';

describe('a server (fault 29)', () => {
  test.each([
    ['2.9.0', 1],
    ['2.9.10', 1],
    ['2.12.0', 3],
    ['2.14.9', 3],
    ['3.0.0-beta.1', 5],
  ])('of version %s will do for %i replicas', (version, replicas) => {
    expect(serverFault(version, { replicas })).toBeUndefined();
  });

  test.each([
    ['2.8.4', 1, 'The NATS server is version 2.8.4; version 2.9 or newer is needed.'],
    ['1.4.1', 1, 'version 2.9 or newer is needed'],
    ['2.9.10', 3, '3 replicas need version 2.12 or newer'],
    ['2.11.99', 2, '2 replicas need version 2.12 or newer'],
    ['', 1, 'cannot be read'],
    ['latest', 1, 'cannot be read'],
  ])('of version "%s" is refused for %i replicas with one sentence', (version, replicas, words) => {
    expect(() => assertServerVersion(version, { replicas })).toThrow(ServerVersionError);
    expect(() => assertServerVersion(version, { replicas })).toThrow(words);
  });
});

test('versions with a v or a suffix are read', () => {
  expect(parseServerVersion('v2.12.0-beta.1')).toEqual({ major: 2, minor: 12, patch: 0 });
});
