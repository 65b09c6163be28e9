import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUCKETS, permissionsOf, STREAM_OWNERS } from '@breakwater/bus';
import { projectRoot } from '@breakwater/testkit';
import { describe, expect, test } from 'vitest';
import { benchCommand } from '../src/bench/command.ts';
import { botsCommand } from '../src/bots/command.ts';
import { chaosCommand } from '../src/chaos/command.ts';
import { checkLogsCommand } from '../src/check-logs/command.ts';
import type { Command } from '../src/command.ts';
import { gamesCommand } from '../src/games/command.ts';
import { genCommand } from '../src/gen/command.ts';
import { ledgerCommand } from '../src/ledger/command.ts';
import { startCommand } from '../src/start/command.ts';
import { testCommand } from '../src/verify/command.ts';
import { lintCommand } from '../src/verify/lint-command.ts';

const COMMANDS: Readonly<Record<string, Command>> = {
  start: startCommand,
  test: testCommand,
  lint: lintCommand,
  bench: benchCommand,
  gen: genCommand,
  bots: botsCommand,
  games: gamesCommand,
  ledger: ledgerCommand,
  chaos: chaosCommand,
  check: checkLogsCommand,
};
/** Those whose first word says what to do. */
const WITH_VERBS = ['games', 'ledger'];

const pages = execFileSync('git', ['ls-files', '*.md'], { cwd: projectRoot, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '' && !path.includes('node_modules'))
  .map((path) => ({ path, text: readFileSync(join(projectRoot, path), 'utf8') }));

/** What stands in the code of all pages, spans and blocks, one command a line; lines that end in `\` go on. */
const lines = pages.flatMap(({ path, text }) => {
  const [blocks, spans] = [/```[a-z]*\n([\s\S]*?)```/g, /`([^`\n]+)`/g].map((pattern) =>
    [...text.matchAll(pattern)].map(([, code = '']) => code.replaceAll(/\\\n\s*/g, '')),
  ) as [string[], string[]];
  return [...blocks.flatMap((code) => code.split('\n')), ...spans].map((line) => ({ path, line }));
});

/** The words behind `start`, up to a comment or what follows the command. */
function wordsBehind(start: RegExp): { path: string; line: string; words: string[] }[] {
  return lines.flatMap(({ path, line }) => {
    const rest = start.exec(line)?.[1]?.split(/\s[#|>&]|[;)]/)[0];
    return rest === undefined ? [] : [{ path, line, words: rest.trim().split(/\s+/) }];
  });
}

function expectOptions(help: string, words: readonly string[], where: string): void {
  for (const [, option = ''] of words.join(' ').matchAll(/(?:^|\s)(--[a-z-]+)/g))
    expect(`${help} --help `, `${option}, in ${where}`).toMatch(new RegExp(`${option}[\\s,;.)\\]]`));
}

describe('the documents', () => {
  test('name commands of breakwater, and options of them, that there are', () => {
    const found = wordsBehind(/\bnpx breakwater (.+)/);
    expect(found.length).toBeGreaterThan(40);
    for (const { path, line, words } of found) {
      const [name = '', verb = ''] = words;
      if (name === '…' || name.startsWith('-')) continue;
      const command = COMMANDS[name];
      if (command === undefined) throw new Error(`${path}: there is no command "${name}": ${line}`);
      if (WITH_VERBS.includes(name) && /^[a-z]+$/.test(verb))
        expect(command.help, `${path}: ${line}`).toContain(`breakwater ${name} ${verb}`);
      expectOptions(command.help, words, `${path}: ${line}`);
    }
  });

  test('give npm start, npm test and the benchmarks options and names that there are', () => {
    const cases: [RegExp, string][] = [
      [/\bnpm start -- (.+)/, startCommand.help],
      [/\bnpm test -- (.+)/, testCommand.help],
      [/\bnpm run bench -- (.+)/, benchCommand.help],
    ];
    for (const [start, help] of cases) {
      const found = wordsBehind(start);
      expect(found.length, String(start)).toBeGreaterThan(0);
      for (const { path, line, words } of found) expectOptions(help, words, `${path}: ${line}`);
    }
    for (const { path, words } of wordsBehind(/\bnpm run bench -- ([a-z]+)/))
      expect(benchCommand.help, path).toMatch(new RegExp(`^  ${words[0]} `, 'm'));
  });

  test('name streams and buckets that there are', () => {
    const families = new Set(Object.keys(STREAM_OWNERS));
    const buckets = new Set(Object.keys(BUCKETS));
    let count = 0;
    for (const { path, line } of lines) {
      for (const [, name = ''] of line.matchAll(/(?<![A-Z_])(?!BREAKWATER)([A-Z]{4,})_(?:<p>|\*|\d\b)/g)) {
        count++;
        expect(families, `${path}: ${line}`).toContain(name);
      }
      for (const [, name = ''] of line.matchAll(/\bKV_([a-z]+)/g))
        expect(buckets, `${path}: ${line}`).toContain(name);
    }
    expect(count).toBeGreaterThan(20);
  });

  test('tell an operator to ask NATS only what the user of that name may ask', () => {
    const allowed = new Set(permissionsOf('operator', 4).publish);
    const requests: Readonly<Record<string, string>> = {
      info: 'STREAM.INFO',
      subjects: 'STREAM.INFO',
      get: 'STREAM.MSG.GET',
    };
    const asked = wordsBehind(/^nats (?:.* )?(?=stream )(.+)/).filter(
      ({ words }) => (words[1] ?? '') in requests,
    );
    expect(asked.length).toBeGreaterThan(3);
    for (const { path, line, words } of asked) {
      const [, verb = '', stream = ''] = words;
      expect(allowed, `${path}: ${line}`).toContain(`$JS.API.${requests[verb]}.${stream}`);
    }
  });
});
