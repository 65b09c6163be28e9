import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findImports } from './architecture/imports.ts';
import { DEPENDENCY_TABLE } from './architecture/parts.ts';
import { checkArchitecture, type Tree } from './architecture/rules.ts';
import { readTree } from './architecture/tree.ts';

const root = join(import.meta.dirname, '..');

const MANIFESTS: Record<string, object> = {
  'packages/protocol': { name: '@breakwater/protocol', exports: { '.': './src/index.ts' } },
  'packages/bus': {
    name: '@breakwater/bus',
    exports: { '.': './src/index.ts' },
    dependencies: { '@breakwater/protocol': '1' },
  },
  'packages/client': {
    name: '@breakwater/client',
    exports: { '.': './src/index.ts' },
    dependencies: { '@breakwater/game-kit': '1' },
  },
  'packages/game-kit': {
    name: '@breakwater/game-kit',
    exports: { '.': './src/index.ts', './replica': './src/replica.ts' },
    dependencies: { '@breakwater/protocol': '1' },
  },
  'packages/service-kit': {
    name: '@breakwater/service-kit',
    exports: { '.': './src/index.ts' },
    dependencies: { pino: '1' },
  },
  'packages/testkit': { name: '@breakwater/testkit', exports: { '.': './src/index.ts' } },
  'services/chat': {
    name: '@breakwater/chat',
    dependencies: {
      '@breakwater/bus': '1',
      '@breakwater/service-kit': '1',
      '@breakwater/edge': '1',
      ws: '1',
      '@breakwater/game-kit': '1',
    },
  },
  'services/edge': { name: '@breakwater/edge', dependencies: { '@breakwater/bus': '1', ws: '1' } },
  'services/simulation': { name: '@breakwater/simulation', dependencies: { '@breakwater/game-kit': '1' } },
  'services/web': {
    name: '@breakwater/web',
    dependencies: { '@breakwater/client': '1', '@breakwater/game-world': '1', preact: '1' },
  },
  'games/world': {
    name: '@breakwater/game-world',
    exports: { '.': './src/index.ts', './view': './src/view.ts' },
    dependencies: { '@breakwater/game-kit': '1' },
  },
  tools: {
    name: '@breakwater/tools',
    dependencies: { '@breakwater/testkit': '1', '@breakwater/service-kit': '1' },
  },
};

/** A tree with the manifests above and these sources. */
function tree(sources: Record<string, string>): Tree {
  const manifests = Object.entries(MANIFESTS).map(
    ([folder, json]) => [`${folder}/package.json`, JSON.stringify(json)] as const,
  );
  return { files: new Map([...manifests, ...Object.entries(sources)]) };
}

function messages(file: string, text: string): string[] {
  return checkArchitecture(tree({ [file]: text })).map((violation) => violation.message);
}

test('every import in this tree is allowed by the dependency table', () => {
  const checkout = readTree(root);
  // The sentences below are no imports of this file.
  checkout.files.delete('test/architecture.test.ts');
  expect(checkout.files.size).toBeGreaterThan(100);
  const violations = checkArchitecture(checkout);
  expect(violations.map(({ file, line, message }) => `${file}:${line} ${message}`)).toEqual([]);
});

test('every folder of packages and services has a line in the table', () => {
  for (const group of ['packages', 'services']) {
    for (const name of readdirSync(join(root, group)))
      expect(DEPENDENCY_TABLE).toHaveProperty([`${group}/${name}`]);
  }
});

test.each([
  [
    'packages/protocol/src/a.ts',
    "import { x } from '@breakwater/bus';",
    /packages\/protocol imports @breakwater\/bus/,
  ],
  ['packages/protocol/src/a.ts', "import { readFileSync } from 'node:fs';", /imports node:fs/],
  [
    'packages/bus/src/a.ts',
    "import { connect } from '@nats-io/transport-node';",
    /imports @nats-io\/transport-node from npm/,
  ],
  [
    'packages/bus/src/a.ts',
    "import { x } from '@breakwater/service-kit';",
    /imports @breakwater\/service-kit/,
  ],
  ['packages/game-kit/src/a.ts', "import { x } from '@breakwater/client';", /imports @breakwater\/client/],
  ['packages/client/src/a.ts', "import { x } from '@breakwater/game-kit';", /imports @breakwater\/game-kit/],
  [
    'packages/client/src/a.ts',
    "import { x } from '@breakwater/protocol';",
    /does not name @breakwater\/protocol/,
  ],
  [
    'packages/service-kit/src/a.ts',
    "import { x } from '@breakwater/protocol';",
    /imports @breakwater\/protocol/,
  ],
  ['packages/service-kit/src/a.ts', "import fastify from 'fastify';", /does not name fastify/],
  ['packages/testkit/src/a.ts', "import { x } from '@breakwater/bus';", /imports @breakwater\/bus/],
  ['services/chat/src/a.ts', "import { x } from '@breakwater/edge';", /a service imports a service/],
  ['services/chat/src/a.ts', "import { x } from '../../edge/src/b.ts';", /a service imports a service/],
  [
    'services/chat/test/model/a.ts',
    "import { x } from '../../../edge/src/domain/feed-follower.ts';",
    /a service imports a service/,
  ],
  [
    'services/simulation/test/model/a.ts',
    "import { x } from '../../../edge/src/domain/b.ts';",
    /a service imports a service/,
  ],
  [
    'services/chat/test/a.test.ts',
    "import { x } from '../../edge/src/app.ts';",
    /a service imports a service/,
  ],
  [
    'services/simulation/src/a.ts',
    "import { x } from '../../edge/src/domain/feed-follower.ts';",
    /a service imports a service/,
  ],
  ['services/chat/src/a.ts', "import WebSocket from 'ws';", /only services\/edge uses ws/],
  ['services/chat/src/a.ts', "import { x } from '@breakwater/game-kit';", /imports @breakwater\/game-kit/],
  [
    'services/chat/src/a.ts',
    "export { x } from '@breakwater/bus/src/ids.ts';",
    /not a public face of @breakwater\/bus/,
  ],
  [
    'services/chat/src/a.ts',
    "import { x } from '../../../packages/bus/src/ids.ts';",
    /in another part: use its package/,
  ],
  ['services/chat/src/a.ts', "const x = await import('@breakwater/edge');", /a service imports a service/],
  ['services/chat/src/a.ts', 'const x = await import(name);', /written down, not computed/],
  ['services/chat/src/domain/a.ts', "import { x } from 'node:crypto';", /domain code imports node:crypto/],
  ['services/chat/src/domain/a.ts', "import pino from 'pino';", /domain code imports pino/],
  ['services/chat/src/domain/a.ts', "import { x } from '../adapters/nats.ts';", /from outside its folder/],
  [
    'services/chat/src/domain/a.ts',
    "import { systemClock } from '@breakwater/service-kit';",
    /domain code imports service-kit/,
  ],
  [
    'services/web/page/a.ts',
    "import { x } from '@breakwater/game-world';",
    /imports @breakwater\/game-world/,
  ],
  ['services/web/page/a.ts', "import { x } from 'node:fs';", /imports node:fs/],
  ['games/world/src/a.ts', "import { x } from '@breakwater/bus';", /imports @breakwater\/bus/],
  ['games/world/src/a.ts', "import { x } from 'node:fs';", /imports node:fs/],
  ['tools/src/a.ts', "import { x } from '@breakwater/service-kit';", /imports @breakwater\/service-kit/],
  [
    'test/e2e.test.ts',
    "import { x } from '../services/chat/src/app.ts';",
    /in another part: use its package/,
  ],
  ['other/src/a.ts', "import { x } from 'node:fs';", /no line in the dependency table/],
  [
    'services/chat/src/a.ts',
    ['const s = `', 'room.$', '{partition}.x`;'].join(''),
    /only packages\/bus builds subjects/,
  ],
  ['services/chat/src/a.ts', "const s = 'game.' + id;", /only packages\/bus builds subjects/],
])('%s may not say: %s', (file, text, message) => {
  expect(messages(file, text)).toEqual([expect.stringMatching(message)]);
});

test.each([
  ['packages/bus/src/a.ts', "import { x } from '@breakwater/protocol';"],
  ['packages/bus/src/a.ts', ['const s = `', 'room.$', '{partition}.x`;'].join('')],
  ['packages/client/src/a.ts', "import { x } from '@breakwater/game-kit/replica';"],
  ['packages/protocol/src/a.test.ts', "import { test } from 'vitest';"],
  ['services/edge/src/a.ts', "import { WebSocket } from 'ws';"],
  ['services/chat/src/domain/a.ts', "import type { Clock } from '@breakwater/service-kit';"],
  ['services/chat/src/domain/a.ts', "import { type Clock, type Other } from '@breakwater/service-kit';"],
  ['services/chat/src/domain/a.ts', "import { x } from './b/c.ts';"],
  ['services/chat/src/domain/a.ts', "import { x } from '../errors.ts';"],
  ['services/chat/test/a.test.ts', "import { startNats } from '@breakwater/testkit';"],
  [
    'services/web/page/a.tsx',
    "import { x } from '@breakwater/game-world/view';\nimport { h } from 'preact/hooks';",
  ],
  ['games/world/src/a.ts', "import { x } from '@breakwater/game-kit';"],
  ['test/page.test.ts', "import { buildPage } from '../services/web/build.ts';"],
  ['packages/client/examples/chat.ts', "import { connect } from '@breakwater/client';"],
  ['tools/src/schemas.ts', 'const x = await import(file);'],
  ['services/chat/src/a.ts', "// import { x } from '@breakwater/edge';"],
  ['services/simulation/test/model/a.ts', "import { x } from '../../../edge/src/domain/recent.ts';"],
])('%s may say: %s', (file, text) => {
  expect(messages(file, text)).toEqual([]);
});

test('imports are found in every form, with their lines', () => {
  const text = [
    "import 'a';",
    'import {',
    '  one,',
    '  type Two,',
    "} from 'b';",
    "import type { C } from 'c';",
    "import * as d from 'd';",
    "export * from 'e';",
    "export type { F } from 'f';",
    "const g = await import('g');",
    'const h = await import(name);',
    "/* import 'i'; */",
  ].join('\n');
  const found = findImports(text).sort((a, b) => a.line - b.line);
  expect(found).toEqual([
    { specifier: 'a', line: 1, isTypeOnly: false },
    { specifier: 'b', line: 2, isTypeOnly: false },
    { specifier: 'c', line: 6, isTypeOnly: true },
    { specifier: 'd', line: 7, isTypeOnly: false },
    { specifier: 'e', line: 8, isTypeOnly: false },
    { specifier: 'f', line: 9, isTypeOnly: true },
    { specifier: 'g', line: 10, isTypeOnly: false },
    { specifier: undefined, line: 11, isTypeOnly: false },
  ]);
});
