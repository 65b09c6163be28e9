import { expect, test } from 'vitest';
import { launchChromium } from '../src/index.ts';

test('a real browser runs a page, and is gone afterwards', { timeout: 60_000 }, async () => {
  const browser = await launchChromium();
  await using _closed = browser;
  const page = await browser.newPage();
  await page.setContent('<p>1</p><script>document.querySelector("p").textContent = String(20 + 22)</script>');
  expect(await page.textContent('p')).toBe('42');
  await browser.close();
  expect(browser.isConnected()).toBe(false);
});
