import { digestOf, type HostedGame } from '@breakwater/bus';
import { expect, test } from 'vitest';
import { Hostings } from './hostings.ts';

function line(game: string, epoch: number, state: HostedGame['state'] = 'running'): HostedGame {
  return { game, epoch, type: 'world', schemaVersion: 1, players: 0, state };
}

test('the newest claim wins while two processes say that they host a game', () => {
  const hostings = new Hostings();
  hostings.change('old', [line('g', 1)]);
  hostings.change('new', [line('g', 2)]);
  expect(hostings.of('g')?.pod).toBe('new');
  hostings.drop('new');
  expect(hostings.of('g')?.pod).toBe('old');
});

test('a whole list replaces what was heard, and the digest follows', () => {
  const hostings = new Hostings();
  hostings.change('a', [line('g', 1), line('h', 1)]);
  expect(hostings.digest('a')).toBe(digestOf([line('h', 1), line('g', 1)]));
  hostings.replace('a', [line('h', 4)]);
  expect(hostings.digest('a')).toBe(digestOf([line('h', 4)]));
  expect(hostings.of('g')).toBeUndefined();
  expect(hostings.digest('unknown')).toBe(digestOf([]));
});

test('a game that is over, or not yet begun, is not hosted', () => {
  const hostings = new Hostings();
  hostings.change('a', [line('g', 1), line('i', 1)]);
  hostings.change('a', [line('g', 1, 'ended'), line('h', 1, 'failed'), line('i', 1, 'starting')]);
  expect(['g', 'h', 'i'].map((game) => hostings.of(game))).toEqual([undefined, undefined, undefined]);
  expect(hostings.digest('a')).toBe(digestOf([line('i', 1)]));
});
