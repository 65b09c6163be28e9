import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const folder = join(import.meta.dirname, '..');
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

test.each([
  ['chat.ts', 10],
  ['world.ts', 20],
])('the README shows %s as it is, in at most %i lines', (name, lines) => {
  const shown = new RegExp(`\`\`\`ts ${name}\n(.*?)\`\`\``, 's').exec(read('README.md'))?.[1];
  expect(shown).toBe(read(join('examples', name)));
  expect(shown!.trimEnd().split('\n').length).toBeLessThanOrEqual(lines);
});
