import { eventually, launchChromium } from '@breakwater/testkit';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Installation } from './cluster/installation.ts';
import { Operator } from './cluster/operator.ts';

describe('an installation on a cluster', () => {
  let installation: Installation;
  let browser: Browser | undefined;

  beforeAll(async () => {
    installation = await Installation.shared();
  });

  afterAll(async () => {
    await browser?.close();
  });

  it('proves itself by helm test, in a namespace that admits only restricted pods', async () => {
    const output = await installation.helm(['test', '--logs', '--timeout', '3m']);
    expect(output).toMatch(/Phase:\s+Succeeded/);
    expect(output.match(/^ok {4}/gm)?.length).toBeGreaterThanOrEqual(5);
    const namespace = await installation.json<{ metadata: { labels: Record<string, string> } }>([
      'get',
      'namespace',
      installation.namespace,
    ]);
    expect(namespace.metadata.labels['pod-security.kubernetes.io/enforce']).toBe('restricted');
  });

  it('lets two people talk and play in a browser, on the pod that the lobby names', async () => {
    browser ??= await launchChromium();
    const url = await installation.url('web');
    const wilma = await enter(browser, url, 'Wilma');
    const xaver = await enter(browser, url, 'Xaver');

    for (const page of [wilma, xaver]) {
      await page.locator('.lobby').getByRole('link', { name: 'general' }).click();
      await page.getByRole('heading', { name: 'general', level: 1 }).waitFor();
    }
    await say(wilma, 'is the water calm?');
    await xaver.locator('.message', { hasText: 'is the water calm?' }).waitFor();
    await say(xaver, 'very');
    await wilma.locator('.message', { hasText: 'very' }).waitFor();

    await wilma.goto(`${url}/#/`);
    await wilma.getByRole('button', { name: 'Play now' }).click();
    await wilma.getByTestId('scores').getByText('Wilma').waitFor();
    await xaver.goto(wilma.url());
    await xaver.getByTestId('scores').getByText('Xaver').waitFor();
    await wilma.getByTestId('scores').getByText('Xaver').waitFor();

    const pod = await wilma.getByTestId('pod').textContent();
    expect(await installation.podNames('simulation')).toContain(pod);
    const game = new URL(wilma.url()).hash.split('/').at(-1) ?? '';
    await xaver.goto(`${url}/#/`);
    await xaver.locator(`.lobby a[href*="${game}"]`).getByText(`on ${pod}`).waitFor();
    await using operator = await Operator.open(installation);
    await eventually(async () => {
      const hosted = (await operator.gamesOn(pod ?? '')).find((each) => each.game === game);
      expect(hosted).toMatchObject({ state: 'running' });
    });
  });
});

/** A person with a browser of their own, past the first view. */
async function enter(browser: Browser, url: string, name: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.goto(url);
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Enter' }).click();
  await page.locator('[data-state=connected]').waitFor();
  return page;
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Message' }).fill(text);
  await page.getByRole('button', { name: 'Send' }).click();
}
