import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const page = readFileSync(join(root, 'docs/dependencies.md'), 'utf8');

interface Manifest {
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

function folders(): string[] {
  const grouped = ['packages', 'services', 'games'].flatMap((group) =>
    readdirSync(join(root, group)).map((name) => `${group}/${name}`),
  );
  return ['', 'tools', 'bench', ...grouped].filter((folder) =>
    existsSync(join(root, folder, 'package.json')),
  );
}

/** `package <- who names it`, one for each dependency from npm. */
function named(): string[] {
  return folders().flatMap((folder) => {
    const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;
    const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    const foreign = names.filter((name) => !name.startsWith('@breakwater/'));
    return foreign.map((name) => `${name} <- ${folder === '' ? 'root' : folder}`);
  });
}

/** The same from the tables of the page, whose third column must say something. */
function explained(): string[] {
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  return rows.flatMap((row) => {
    const [, name = '', users = '', reason = ''] = row
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', ''));
    expect(reason.length, `a reason for ${name}`).toBeGreaterThan(10);
    return users.split(', ').map((user) => `${name} <- ${user}`);
  });
}

test('every dependency has a line of reason, and every line a dependency', () => {
  expect(named().length).toBeGreaterThan(10);
  expect(explained().sort()).toEqual(named().sort());
});

test('dependencies from npm are pinned to one version each, the same everywhere', () => {
  const versions = new Map<string, string>();
  for (const folder of folders()) {
    const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect(version, `${name} in ${folder}`).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
      expect(versions.get(name) ?? version, `${name} in ${folder}`).toBe(version);
      versions.set(name, version);
    }
  }
});
