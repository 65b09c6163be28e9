import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '@breakwater/testkit';

const PUBLISHED = ['protocol', 'game-kit', 'client'] as const;

/** Emits the packages that are published, as JavaScript with declarations, and lays them out as npm would. */
export function stagePackages(nodeModules: string): void {
  const root = projectRoot;
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-b', 'packages/client/tsconfig.build.json'], {
    cwd: root,
    stdio: 'pipe',
  });
  for (const name of PUBLISHED)
    stageOne(join(root, 'packages', name), join(nodeModules, '@breakwater', name));
}

function stageOne(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  cpSync(join(from, 'dist'), to, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')) as {
    exports: Record<string, string>;
    [field: string]: unknown;
  };
  const exports = Object.fromEntries(
    Object.entries(manifest.exports).map(([path, source]) => {
      const built = source.replace('./src/', './').replace(/\.ts$/, '');
      return [path, { types: `${built}.d.ts`, default: `${built}.js` }];
    }),
  );
  const { private: _, ...published } = manifest;
  writeFileSync(
    join(to, 'package.json'),
    JSON.stringify({ ...published, sideEffects: false, exports }, null, 2),
  );
}
