import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { eventually, launchChromium, type Stack, startStack } from '@breakwater/testkit';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPage } from '../services/web/build.ts';

const PHONE = { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true } as const;

let stack: Stack;
let browser: Browser;
let pageDir: string;

beforeAll(async () => {
  pageDir = await mkdtemp(join(tmpdir(), 'breakwater-page-'));
  await buildPage(pageDir);
  stack = await startStack({ web: true, env: { web: { BREAKWATER_WEB_PAGE: pageDir } } });
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  await rm(pageDir, { recursive: true, force: true });
});

/** A person with a browser of their own, past the first view. Whatever the page complains about fails the test. */
async function enter(name: string, options: BrowserContextOptions = {}): Promise<Page & AsyncDisposable> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(stack.webUrl!);
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Enter' }).click();
  await page.locator('[data-state=connected]').waitFor();
  const leave = async () => {
    await context.close();
    expect(complaints, `${name}'s page`).toEqual([]);
  };
  return Object.assign(page, { [Symbol.asyncDispose]: leave });
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Message' }).fill(text);
  await page.getByRole('button', { name: 'Send' }).click();
}

const message = (page: Page, text: string) => page.locator('.message', { hasText: text });

async function openRoom(page: Page, title: string): Promise<void> {
  await page.goto(`${stack.webUrl}/#/`);
  await page.locator('.lobby').getByRole('link', { name: title }).click();
  await page.getByRole('heading', { name: title, level: 1 }).waitFor();
}

async function messagesSeen(page: Page): Promise<string[]> {
  const texts = await page.locator('.message .text').allTextContents();
  return texts.map((text) => text.replace(/sent$/, ''));
}

describe('the page in a real browser', { timeout: 120_000 }, () => {
  it('lets two people talk: history, who is here, typing, sent marks, and a reload lands in the same room', async () => {
    await using ada = await enter('Ada');
    await using bob = await enter('Bob', { ...PHONE, colorScheme: 'dark' });
    await openRoom(ada, 'general');
    await say(ada, 'is the water calm?');
    await message(ada, 'is the water calm?').getByTitle('Stored').waitFor();
    await openRoom(bob, 'general');
    await message(bob, 'is the water calm?').waitFor();
    await ada.getByLabel('People here').getByText('Bob').waitFor();

    await bob.getByRole('textbox', { name: 'Message' }).pressSequentially('very');
    await ada.getByText('Bob is typing').waitFor();
    await bob.getByRole('button', { name: 'Send' }).click();
    await message(ada, 'very').waitFor();

    await ada.reload();
    await message(ada, 'very').waitFor();
    expect(await messagesSeen(ada)).toEqual(['is the water calm?', 'very']);
    await ada.getByLabel('People here').getByText('you').waitFor();
  });

  it('shows hostile text as text', async () => {
    await using eve = await enter('<b>Eve</b>');
    await openRoom(eve, 'general');
    const text = '<img src=x onerror="document.title=`broken`"> \u202ereversed \u001b[31mred 🦀';
    await say(eve, text);
    await message(eve, 'reversed').getByTitle('Stored').waitFor();
    expect((await messagesSeen(eve)).at(-1)).toBe(text);
    expect(await eve.title()).toBe('Breakwater');
    await eve.locator('.message .who', { hasText: '<b>Eve</b>' }).waitFor();
  });

  it('makes a room from its title, and counts what was not read in another', async () => {
    await using ada = await enter('Ada');
    await using bob = await enter('Bob');
    await openRoom(ada, 'general');
    await ada.goto(`${stack.webUrl}/#/`);
    await ada.getByLabel('Name of a new room').fill('Quiet Harbour');
    await ada.getByRole('button', { name: 'Create' }).click();
    await ada.getByRole('heading', { name: 'Quiet Harbour', level: 1 }).waitFor();

    await openRoom(bob, 'general');
    await say(bob, 'anybody left in here?');
    await message(bob, 'anybody left in here?').getByTitle('Stored').waitFor();
    const rail = ada.getByRole('navigation');
    await rail.getByRole('link', { name: /general.*1 unread/ }).waitFor();
    await rail.getByRole('link', { name: /general/ }).click();
    await message(ada, 'anybody left in here?').waitFor();
    await eventually(async () => expect(await rail.locator('.badge').count()).toBe(0));
  });

  it('plays the World: everyone sees who broke what, on the process that the lobby names', async () => {
    await using ada = await enter('Ada', { viewport: { width: 1280, height: 800 } });
    await using bob = await enter('Bob', PHONE);
    await ada.getByRole('button', { name: 'Play now' }).click();
    await ada.getByTestId('scores').getByText('Ada').waitFor();
    const gameUrl = ada.url();
    await bob.goto(gameUrl);
    await bob.getByTestId('scores').getByText('Bob').waitFor();
    await ada.getByTestId('scores').getByText('Bob').waitFor();

    await playUntilBroken(ada, 'Ada');
    await bob.getByTestId('breaks').getByText('Ada').first().waitFor();
    const scoreOf = (page: Page) =>
      page.getByTestId('scores').locator('tr', { hasText: 'Ada' }).locator('td').last();
    await eventually(async () => {
      const [own, seen] = [await scoreOf(ada).textContent(), await scoreOf(bob).textContent()];
      expect(Number(own)).toBeGreaterThan(0);
      expect(seen).toBe(own);
    });

    await eventually(async () => {
      const total = await ada.getByTestId('total-xp').textContent();
      expect(total).toBe(`${await scoreOf(ada).textContent()} XP`);
    });
    const pod = await ada.getByTestId('pod').textContent();
    await bob.goto(`${stack.webUrl}/#/`);
    await bob.locator('.lobby').getByText(`on ${pod}`).waitFor();

    const earned = Number(await scoreOf(ada).textContent());
    await ada.reload();
    await ada.getByTestId('scores').getByText('Ada').waitFor();
    expect(ada.url()).toBe(gameUrl);
    await ada.getByTestId('total-xp').waitFor();
    expect(
      Number.parseInt((await ada.getByTestId('total-xp').textContent()) ?? '', 10),
    ).toBeGreaterThanOrEqual(earned);
  });

  it('says what happens when an edge dies, comes back by itself, and misses nothing', async () => {
    await using ada = await enter('Ada');
    await using bob = await enter('Bob');
    await openRoom(ada, 'general');
    await openRoom(bob, 'general');
    const edge = await ada.locator('.strip b').nth(1).textContent();
    await stack.service(edge!).kill();
    await say(bob, 'said while Ada was away');
    await ada.locator('[data-state=connected]').waitFor();
    await message(ada, 'said while Ada was away').waitFor();
    await say(ada, 'back again');
    await message(bob, 'back again').waitFor();
    await stack.service(edge!).start();
    expect(await messagesSeen(ada)).toEqual(await messagesSeen(bob));
  });

  it('can be used with the keyboard alone', async () => {
    await using kim = await enter('Kim');
    await kim.locator('.lobby').getByText('general').waitFor();
    for (let presses = 0; presses < 30; presses++) {
      await kim.keyboard.press('Tab');
      const focused = await kim.evaluate(() => document.activeElement?.textContent ?? '');
      if (focused === 'Play now') break;
    }
    await kim.keyboard.press('Enter');
    await kim.getByTestId('scores').getByText('Kim').waitFor();
    await playUntilBroken(kim, 'Kim');
  });

  it.each([
    ['phone', PHONE],
    ['desktop', { viewport: { width: 1280, height: 800 } }],
  ] as const)('fits a %s without scrolling sideways, and weighs little', async (_, options) => {
    await using ada = await enter('Ada', options);
    for (const place of ['#/', '#/room/general']) {
      await ada.goto(`${stack.webUrl}/${place}`);
      await ada.locator('h1').waitFor();
      const overflow = await ada.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow, place).toBe(0);
    }
    const script = await ada.locator('script[type=module]').getAttribute('src');
    const body = await (await fetch(new URL(script!, stack.webUrl))).arrayBuffer();
    expect(gzipSync(new Uint8Array(body)).length).toBeLessThan(100 * 1024);
  });
});

/** Walks about with the keyboard and hits whatever is in reach until an own break is announced. */
async function playUntilBroken(page: Page, name: string): Promise<void> {
  const canvas = page.getByLabel(/^The World/);
  await canvas.focus();
  await page.keyboard.down('Space');
  const ownBreaks = page.getByTestId('breaks').getByText(name);
  for (let step = 0; step < 40 && (await ownBreaks.count()) === 0; step++) {
    const key = ['KeyD', 'KeyS', 'KeyA', 'KeyW'][Math.floor(step / 3) % 4]!;
    await page.keyboard.down(key);
    await page.waitForTimeout(250);
    await page.keyboard.up(key);
    // Long enough for a crate: three hits, six ticks apart.
    await page.waitForTimeout(1_100);
  }
  await page.keyboard.up('Space');
  expect(await ownBreaks.count()).toBeGreaterThan(0);
}
