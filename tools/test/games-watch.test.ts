import { encodeGameRecord, type GameRecord } from '@breakwater/bus';
import { launchChromium } from '@breakwater/testkit';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NatsSource } from '../src/check-logs/nats-source.ts';
import type { RecordSource } from '../src/check-logs/sources.ts';
import { CommandError } from '../src/command.ts';
import { loadDefinitions } from '../src/games/definitions.ts';
import { type Recording, recordGame } from '../src/games/recording.ts';
import { WatchServer } from '../src/games/watch-server.ts';
import { createStreams, HonestRun, PARTITIONS, TAKEOVER_AT } from './check-logs/honest-run.ts';
import { openBus } from './open-bus.ts';

let browser: Browser;
let recording: Recording;
let xp: number;

beforeAll(async () => {
  browser = await launchChromium();
  await using nats = await openBus();
  await createStreams(nats.bus);
  const run = await HonestRun.make(nats.bus, 'watch', {
    store: (record) =>
      record.kind === 'delta' && record.tick === 155 ? [{ ...record, n: 9_999 }] : [record],
  });
  xp = run.xp;
  await using source = await NatsSource.open({ nats: nats.url, partitions: PARTITIONS });
  recording = await recordGame(run.game, source, await loadDefinitions());
});

afterAll(async () => {
  await browser?.close();
});

/** A page that plays the recording; whatever it complains about fails the test. */
async function watch(): Promise<Page & AsyncDisposable> {
  const server = await WatchServer.start(recording, 0);
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (line) => line.type() === 'error' && complaints.push(line.text()));
  await page.goto(server.url);
  await page.getByTestId('slider').waitFor();
  const leave = async () => {
    await page.close();
    await server[Symbol.asyncDispose]();
    expect(complaints).toEqual([]);
  };
  return Object.assign(page, { [Symbol.asyncDispose]: leave });
}

const place = (page: Page): Promise<string> => page.getByTestId('place').innerText();
const indexOf = async (page: Page): Promise<number> => Number(await page.getByTestId('slider').inputValue());

test('a recording ends at the record that does not fit, and says why', () => {
  expect(recording.frames.at(-1)?.tick).toBe(154);
  expect(recording.end).toMatch(/has number 9999 after number/);
  expect(recording.owners.map(({ epoch, pod }) => [epoch, pod])).toEqual([
    [1, 'sim-a'],
    [2, 'sim-b'],
  ]);
  expect(recording.frames[recording.owners[1]!.frame]?.tick).toBe(TAKEOVER_AT);
  expect(xp).toBeGreaterThan(0);
});

test('the page goes to any record and back, by slider, step and number, and names the owner there', async () => {
  await using page = await watch();
  expect(await place(page)).toMatch(/tick 0, epoch 1 on sim-a/);
  await page.getByTestId('forward').click();
  expect(await place(page)).toMatch(/tick 1, epoch 1/);
  await page.getByTestId('slider').fill('120');
  expect(await place(page)).toMatch(/tick 120, epoch 2 on sim-b/);
  await page.getByTestId('back').click();
  expect(await place(page)).toMatch(/tick 119, epoch 2/);
  await page.getByTestId('slider').fill('3');
  expect(await place(page)).toMatch(/tick 3, epoch 1 on sim-a/);
  await page.getByTestId('jump').fill(String(recording.frames.at(-1)?.seq));
  await page.getByTestId('jump').press('Enter');
  expect(await place(page)).toContain('has number 9999 after number');
  await expect(page.locator('.watch-marks li').allInnerTexts()).resolves.toEqual(['1', '2']);
});

test('it plays on by itself, faster when asked to, stops at the end, and begins again from there', async () => {
  await using page = await watch();
  await page.getByTestId('speed').selectOption('8');
  await page.getByTestId('play').click();
  await page.getByText('has number 9999').waitFor();
  await page.getByRole('button', { name: 'Play' }).waitFor();
  expect(await indexOf(page)).toBe(recording.frames.length - 1);
  await page.getByTestId('play').click();
  await page.getByText('has number 9999').waitFor({ state: 'detached' });
});

test('the canvas shows what the log holds: a player who walked stands elsewhere at another record', async () => {
  await using page = await watch();
  const picture = () => page.locator('canvas').screenshot();
  await page.getByTestId('slider').fill('10');
  const early = await picture();
  await page.getByTestId('slider').fill('100');
  expect((await picture()).equals(early)).toBe(false);
});

test('of a game that is not there nothing can be played', async () => {
  const none: RecordSource = {
    room: nothing,
    game: nothing,
    snapshots: nothing,
    firstOfGame: async () => undefined,
  };
  const error = await recordGame('g-nobody', none, await loadDefinitions()).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CommandError);
  expect(String(error)).toContain('there is no log of it');
  const end: GameRecord = { kind: 'end', epoch: 3, nonce: 'x', n: 7, reason: 'over' };
  const purged = { ...none, game: () => oneOf(encodeGameRecord(end)) };
  const over = await recordGame('g-over', purged, await loadDefinitions()).catch((thrown: unknown) => thrown);
  expect(String(over)).toContain('which is not its first claim');
});

async function* nothing() {}
async function* oneOf(data: Uint8Array) {
  yield { seq: 12, data };
}
