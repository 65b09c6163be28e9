/** Builds the page: one script, one stylesheet, both named by their content so that they can be cached for ever. */

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build } from 'esbuild';

const page = join(import.meta.dirname, 'page');

/** Writes `index.html` and `assets/` to `outDir`, which is emptied first. */
export function buildPage(outDir: string): Promise<void> {
  return buildFrom({ page: join(page, 'main.tsx'), style: join(page, 'style/index.css') }, outDir);
}

/** The same for the page that plays a recorded game; what it plays it fetches from `/recording.json`. */
export function buildWatchPage(outDir: string): Promise<void> {
  return buildFrom({ page: join(page, 'watch/main.tsx'), style: join(page, 'watch/watch.css') }, outDir);
}

async function buildFrom(entryPoints: Readonly<Record<string, string>>, outDir: string): Promise<void> {
  await rm(outDir, { recursive: true, force: true });
  await mkdir(outDir, { recursive: true });
  const result = await build({
    entryPoints: { ...entryPoints },
    outdir: join(outDir, 'assets'),
    entryNames: '[name]-[hash]',
    bundle: true,
    minify: true,
    sourcemap: 'linked',
    format: 'esm',
    target: ['chrome123', 'firefox120', 'safari17.5'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    metafile: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  const outputs = Object.keys(result.metafile.outputs);
  const nameOf = (ending: string) => basename(outputs.find((path) => path.endsWith(ending)) ?? '');
  const template = await readFile(join(page, 'index.html'), 'utf8');
  const html = template
    .replace('%CSS%', `/assets/${nameOf('.css')}`)
    .replace('%JS%', `/assets/${nameOf('.js')}`);
  await writeFile(join(outDir, 'index.html'), html);
}
