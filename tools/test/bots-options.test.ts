import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseBotsOptions } from '../src/bots/options.ts';
import { BotStats, snapshotOf, summaryLine } from '../src/bots/stats.ts';
import { fileTokens, guestTokens, signedTokens } from '../src/bots/tokens.ts';
import { CommandError } from '../src/command.ts';

test('options have defaults, and the secret may come from the environment', () => {
  expect(parseBotsOptions([], { BREAKWATER_EDGE_JWT_SECRET: 's3cret' })).toMatchObject({
    urls: ['http://127.0.0.1:8081'],
    players: 20,
    games: 0,
    isPlaying: true,
    chatRoom: undefined,
    secret: 's3cret',
    everyMs: 1_000,
    lifeMs: 0,
  });
  const args = ['--url', 'http://a:1,https://b', '--token-file', 'x', '--every', '0.5', '--no-play'];
  expect(parseBotsOptions(args, { BREAKWATER_EDGE_JWT_SECRET: 's3cret' })).toMatchObject({
    urls: ['http://a:1', 'https://b'],
    secret: undefined,
    everyMs: 500,
    isPlaying: false,
  });
});

test.each([
  ['--players', '0'],
  ['--players', 'many'],
  ['--games', '-1'],
  ['--rate', '1e9'],
  ['--url', 'ftp://x'],
  ['--chat', 'a b'],
  ['--game', 'x.y'],
  ['--nonsense', '1'],
])('%s %s is refused in one sentence', (name, value) => {
  expect(() => parseBotsOptions([`${name}=${value}`], {})).toThrow(CommandError);
});

test('tokens of a file are one for each player, and too few are said', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'breakwater-tokens-'));
  try {
    const file = join(dir, 'tokens');
    writeFileSync(file, 'one\n\n two \n');
    const issue = await fileTokens(file, 2);
    expect([await issue(0), await issue(1)]).toEqual(['one', 'two']);
    await expect(fileTokens(file, 3)).rejects.toThrow(/has 2 tokens and 3 players/);
    await expect(fileTokens(join(dir, 'none'), 1)).rejects.toThrow(CommandError);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test('an edge without guest tokens, one that is not there and one that talks nonsense are told apart', async () => {
  let answer = { status: 404, body: '{}' };
  const server = createServer((_request, response) => {
    response.writeHead(answer.status).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await expect(guestTokens([url])(0)).rejects.toThrow(/gives no guest tokens.*--secret/);
    answer = { status: 503, body: '{}' };
    await expect(guestTokens([url])(0)).rejects.toThrow(/status 503/);
    answer = { status: 200, body: '{"token":5}' };
    await expect(guestTokens([url])(0)).rejects.toThrow(/no guest token/);
    answer = { status: 200, body: '{"token":"abc"}' };
    expect(await guestTokens([url])(0)).toBe('abc');
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  await expect(guestTokens([url])(0)).rejects.toThrow(/cannot be reached/);
});

test('tokens that are signed name the same user again', async () => {
  const issue = signedTokens('secret', 'run');
  const userOf = (token: string) =>
    (JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { sub: string }).sub;
  expect([userOf(await issue(4)), userOf(await issue(4))]).toEqual(['bot-run-4', 'bot-run-4']);
});

test('the line of a second counts what happened in it', () => {
  const stats = new BotStats();
  const before = snapshotOf(stats, 1_000);
  Object.assign(stats, { connected: 2, playing: 2, deltas: 80, commandsAcked: 10, xp: 25 });
  expect(summaryLine(before, snapshotOf(stats, 3_000), 2, 4.4)).toBe(
    'connected 2/2  playing 2  deltas 20.0/s each  acked 5/s  xp 25  round trip 4 ms',
  );
});
