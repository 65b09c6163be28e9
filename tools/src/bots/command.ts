import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ARCHIVE_EXTENSION, StreamArchive } from '../check-logs/archive.ts';
import { type Command, CommandError, messageOf } from '../command.ts';
import { listenForStop } from '../start/signals.ts';
import { Crowd } from './crowd.ts';
import { BOTS_HELP, type BotsOptions, parseBotsOptions } from './options.ts';
import { snapshotOf, summaryLine } from './stats.ts';
import { fileTokens, guestTokens, signedTokens, type TokenIssuer } from './tokens.ts';

/** Failures that are told; the rest is only counted. */
const MAX_TOLD = 10;

async function run(args: readonly string[]): Promise<number> {
  const options = parseBotsOptions(args, process.env);
  const runName = randomBytes(4).toString('hex');
  const tokens = await tokensFor(options, runName);
  await assertReachable(tokens);
  const archive = await startArchive(options, runName);
  const crowd = crowdOf(options, tokens, runName);
  const begunMs = performance.now();
  crowd.start();
  const stopTelling = tellEvery(crowd, options);
  await untilStopped(options.lifeMs);
  stopTelling();
  await crowd.stop();
  await archive?.close();
  tellTotals(crowd, (performance.now() - begunMs) / 1_000);
  return 0;
}

async function startArchive(
  { record, nats }: BotsOptions,
  runName: string,
): Promise<StreamArchive | undefined> {
  if (record === undefined || nats === undefined) return undefined;
  try {
    return await StreamArchive.start({ nats, file: join(record, `games-${runName}${ARCHIVE_EXTENSION}`) });
  } catch (error) {
    throw new CommandError(`The streams cannot be copied: ${messageOf(error)}.`);
  }
}

function crowdOf(options: BotsOptions, tokens: TokenIssuer, runName: string): Crowd {
  const { urls, players, games, game, record, startsPerSecond, ratePerSecond } = options;
  const chat = options.chatRoom === undefined ? undefined : { room: options.chatRoom, ratePerSecond };
  const play = options.isPlaying ? { games, game } : undefined;
  let told = 0;
  const onFailure = (error: unknown) => {
    told += 1;
    if (told <= MAX_TOLD) console.error(`a bot failed and comes back: ${messageOf(error)}`);
    if (told === MAX_TOLD) console.error('further failures are only counted');
  };
  return new Crowd({ players, urls, tokens, run: runName, play, chat, record, startsPerSecond, onFailure });
}

async function tokensFor(options: BotsOptions, runName: string): Promise<TokenIssuer> {
  if (options.tokenFile !== undefined) return fileTokens(options.tokenFile, options.players);
  return options.secret === undefined ? guestTokens(options.urls) : signedTokens(options.secret, runName);
}

/** A wrong URL, or an edge that gives no guest tokens, is said once and not by every bot. */
async function assertReachable(tokens: TokenIssuer): Promise<void> {
  try {
    await tokens(0);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`No token can be had: ${messageOf(error)}.`);
  }
}

function tellEvery(crowd: Crowd, { everyMs, players }: BotsOptions): () => void {
  let before = snapshotOf(crowd.stats, performance.now());
  const timer = setInterval(() => {
    const now = snapshotOf(crowd.stats, performance.now());
    console.log(summaryLine(before, now, players, crowd.roundTripMs()));
    before = now;
  }, everyMs);
  return () => clearInterval(timer);
}

function untilStopped(lifeMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (lifeMs > 0) setTimeout(resolve, lifeMs);
    listenForStop((isImpatient) => {
      if (isImpatient) process.exitCode = 130;
      resolve();
    });
  });
}

function tellTotals({ stats }: Crowd, seconds: number): void {
  const parts = [
    `${seconds.toFixed(0)} s`,
    `${stats.deltas} deltas`,
    `${stats.commandsAcked} of ${stats.commandsSent} commands acked`,
    `${stats.xp} xp`,
  ];
  if (stats.messagesSent > 0) parts.push(`${stats.messagesAcked} of ${stats.messagesSent} messages acked`);
  if (stats.longestPauseMs > 0) parts.push(`longest pause ${stats.longestPauseMs.toFixed(0)} ms`);
  console.log(`bots: ${parts.join(', ')}, ${stats.reconnects} reconnects, ${stats.failures} failures`);
}

export const botsCommand: Command = { help: BOTS_HELP, run };
