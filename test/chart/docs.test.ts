import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { at, type Json, readText } from './helm.ts';

const PAGES = ['docs/kubernetes.md', 'docs/scaling.md', 'docs/develop.md'].concat(
  readdirSync(join(projectRoot, 'docs/runbooks')).map((file) => `docs/runbooks/${file}`),
);
const values = parse(readText('charts/breakwater/values.yaml')) as Json;

/** Paths of values in inline code: what begins with a value of the first level and has a dot. */
function valuesNamedIn(page: string): string[] {
  return [...readText(page).matchAll(/`([a-zA-Z]+(?:\.[a-zA-Z]+)+)\b[^`]*`/g)]
    .map(([, path = '']) => path)
    .filter(
      (path) => (path.split('.')[0] as string) in values && !/\.(md|yaml|ts|json)$|\.resources\./.test(path),
    );
}

test('the chart has every value that the pages about Kubernetes name', () => {
  const named = PAGES.flatMap((page) => valuesNamedIn(page).map((path) => ({ page, path })));
  expect(named.length).toBeGreaterThan(40);
  for (const { page, path } of named) expect(at(values, path), `${page}: ${path}`).toBeDefined();
});

test('what is passed with --set in the pages about Kubernetes is a value', () => {
  const sets = PAGES.flatMap((page) => [...readText(page).matchAll(/--set ([\w.]+)=/g)]);
  expect(sets.length).toBeGreaterThan(4);
  for (const [text, path = ''] of sets) expect(at(values, path), text).toBeDefined();
});

test('settings and commands that the pages about Kubernetes name exist', () => {
  const settings = readText('docs/config.md');
  const commands = readText('tools/src/main.ts');
  for (const page of PAGES) {
    const text = readText(page);
    for (const [name] of text.matchAll(/\bBREAKWATER_\w+/g))
      expect(settings, page).toContain(`| \`${name}\` |`);
    for (const [, name = ''] of text.matchAll(/npx breakwater ([a-z-]+)/g))
      expect(commands, page).toContain(name);
  }
});
