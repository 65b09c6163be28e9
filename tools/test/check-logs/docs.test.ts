import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { RULES } from '../../src/check-logs/report.ts';
import { LOG_LINE_TYPES } from '../../src/recorder/log-line.ts';
import { hashRow, toHex8 } from '../../src/recorder/view-digest.ts';

const page = readFileSync(join(projectRoot, 'docs/checker.md'), 'utf8');

/** First cells of the table under a heading or header. */
function firstCells(from: string): string[] {
  const table = page.slice(page.indexOf(from)).split('\n\n')[0] ?? '';
  return [...table.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1] ?? '');
}

test('the page has every rule, and no other', () => {
  expect(firstCells('| rule |').sort()).toEqual(Object.keys(RULES).sort());
});

test('the page has every line of a client log, and no other', () => {
  const described = firstCells('| `t` |').filter((cell) => cell !== 't');
  expect(described.sort()).toEqual([...LOG_LINE_TYPES].sort());
});

test('the example of a row hash is right', () => {
  const row = { x: 3, y: 4, name: 'Ann' };
  expect(page).toContain(`\`${toHex8(hashRow('players', ['x', 'y', 'name'], 7, row))}\``);
});
