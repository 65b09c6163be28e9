import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const BLOCK = /^```(?:ts|json) (\S+)\n(.*?)^```$/gms;

/** The files that a page of `docs/` shows: by the path in the corner of each block, exactly as printed. */
export async function filesOf(page: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(ROOT, 'docs', page), 'utf8');
  return new Map(Array.from(text.matchAll(BLOCK), ([, path, content]) => [path!, content!]));
}

/**
 * Writes files into a new folder inside the checkout, so that imports of our packages resolve from there; the folder
 * is ignored by git and goes when it is disposed of.
 */
export async function writeOut(
  files: ReadonlyMap<string, string>,
): Promise<AsyncDisposable & { readonly path: string }> {
  const home = join(ROOT, '.breakwater');
  await mkdir(home, { recursive: true });
  const path = await mkdtemp(join(home, 'page-'));
  for (const [name, content] of files) {
    const file = join(path, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
