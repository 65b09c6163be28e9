import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { findProgram, installDebianPackages, type SystemFacts, systemFacts } from './system/system.ts';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const MAC_PROGRAMS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** No sandbox because tests run as root in containers; no talk with the outside. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface FindChromiumOptions extends Partial<SystemFacts> {
  /** On Debian as root, get the package `chromium` when nothing is there; default false. */
  install?: boolean;
  log?: (message: string) => void;
}

/**
 * Finds the system's Chromium or Chrome.
 *
 * @throws Error that says what to install
 */
export async function findChromium(options: FindChromiumOptions = {}): Promise<string> {
  const facts = systemFacts(options);
  const found = findProgram(facts.path, ...PROGRAMS) ?? (options.path === undefined ? onMac() : undefined);
  if (found !== undefined) return found;
  const failure = options.install === true ? await tryInstall(facts, options.log) : undefined;
  const installed = findProgram(facts.path, ...PROGRAMS);
  if (installed !== undefined) return installed;
  const reason = failure === undefined ? '' : ` Installing Debian's package: ${failure}.`;
  throw new Error(`No Chromium: the page tests need chromium or google-chrome on the PATH.${reason}`);
}

function onMac(): string | undefined {
  return MAC_PROGRAMS.find((program) => existsSync(program));
}

/** The reason why it failed, if it did. */
async function tryInstall(facts: SystemFacts, log?: (message: string) => void): Promise<string | undefined> {
  try {
    log?.("installing Debian's chromium");
    // Without a font every text has no width.
    await installDebianPackages(['chromium', 'fonts-liberation'], facts);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Starts a headless browser with a fresh profile, which goes away with it. Use it with `await using`. */
export async function launchChromium(options: { args?: readonly string[] } = {}): Promise<Browser> {
  return chromium.launch({
    executablePath: await findChromium(),
    headless: true,
    chromiumSandbox: false,
    args: [...FLAGS, ...(options.args ?? [])],
  });
}
