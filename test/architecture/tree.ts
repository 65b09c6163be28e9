import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Tree } from './rules.ts';

const FOLDERS = ['packages', 'services', 'games', 'tools', 'bench', 'tilt', 'test'];
const SKIPPED = new Set(['node_modules', 'dist', 'coverage']);

/** Reads the sources and manifests of a checkout. */
export function readTree(root: string): Tree {
  const files = new Map<string, string>();
  for (const folder of FOLDERS) {
    for (const path of walk(join(root, folder))) files.set(relative(root, path), readFileSync(path, 'utf8'));
  }
  return { files };
}

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : walk(path);
    return /\.tsx?$/.test(entry.name) || entry.name === 'package.json' ? [path] : [];
  });
}
