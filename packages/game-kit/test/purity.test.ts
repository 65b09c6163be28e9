import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
const SOURCES = ['packages/game-kit/src', 'games/world/src'].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => `${folder}/${file}`),
);

/** What would make the same game go another way in another process, or not run in a browser. */
const IMPURE =
  /\bfrom 'node:|\bDate\b|\bperformance\.|Math\.(random|sin|cos|tan|exp|pow|log|atan2|hypot)\b|\bset(Timeout|Interval|Immediate)\b|\bprocess\.|\bawait\b|\bIntl\b|\btoLocale/;

/** Bytes and modules of a face as a browser gets it. */
async function bundle(
  entry: string,
): Promise<{ readonly bytes: number; readonly modules: readonly string[] }> {
  const result = await build({
    entryPoints: [join(ROOT, entry)],
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    metafile: true,
  });
  const [output] = Object.values(result.metafile.outputs);
  const modules = Object.entries(output!.inputs).filter(([, input]) => input.bytesInOutput > 0);
  return { bytes: result.outputFiles[0]!.contents.length, modules: modules.map(([name]) => name) };
}

describe('the sources of game-kit and the World', () => {
  it('were found', () => {
    expect(SOURCES.length).toBeGreaterThan(20);
  });

  it.each(SOURCES)('%s looks at no clock, no chance and no system', (file) => {
    const code = readFileSync(join(ROOT, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    expect(code).not.toMatch(IMPURE);
  });
});

describe('what a browser gets', () => {
  it('is the decoder without the author’s side', async () => {
    const { bytes, modules } = await bundle('packages/game-kit/src/replica.ts');
    expect(modules.map((name) => name.split('/').at(-1)).sort()).toEqual([
      'bytes.ts',
      'columns.ts',
      'errors.ts',
      'replica-table.ts',
      'replica.ts',
      'schema.ts',
      'text.ts',
      'wire.ts',
    ]);
    expect(bytes).toBeLessThan(12_000);
  });

  it('is the World’s view and bot without its rules or the kit', async () => {
    expect((await bundle('games/world/src/view.ts')).modules).toEqual(['games/world/src/view.ts']);
    expect((await bundle('games/world/src/bot.ts')).modules).toEqual([
      'games/world/src/view.ts',
      'games/world/src/bot.ts',
    ]);
  });
});
