/** What a part of the tree may use. Everything that is not named is forbidden. */
export interface PartRule {
  /** Packages of ours; a `/face` names one face only. */
  ours: readonly string[];
  /** Packages from npm: all that its `package.json` declares, these, or none. */
  npm: 'declared' | readonly string[];
  /** May use `node:` modules. */
  node: boolean;
}

const NONE: readonly string[] = [];
const SERVICE = ['service-kit', 'bus', 'protocol'];

/** Which way dependencies run. A folder takes the rule of the longest prefix. */
export const DEPENDENCY_TABLE: Readonly<Record<string, PartRule>> = {
  'packages/protocol': { ours: NONE, npm: NONE, node: false },
  'packages/bus': { ours: ['protocol'], npm: NONE, node: false },
  'packages/game-kit': { ours: ['protocol'], npm: NONE, node: false },
  'packages/client': { ours: ['protocol', 'game-kit/replica'], npm: NONE, node: false },
  'packages/service-kit': { ours: NONE, npm: 'declared', node: true },
  'packages/testkit': { ours: NONE, npm: 'declared', node: true },
  'services/chat': { ours: SERVICE, npm: 'declared', node: true },
  'services/edge': { ours: SERVICE, npm: 'declared', node: true },
  'services/matchmaker': { ours: SERVICE, npm: 'declared', node: true },
  'services/simulation': { ours: [...SERVICE, 'game-kit'], npm: 'declared', node: true },
  'services/web': { ours: SERVICE, npm: 'declared', node: true },
  // The page runs in a browser: the SDK, and of a game its face for browsers.
  'services/web/page': { ours: ['client', 'game-*/view', 'game-*/bot'], npm: 'declared', node: false },
  // The page is built in a checkout, with the root's tools.
  'services/web/build.ts': { ours: NONE, npm: ['esbuild'], node: true },
  games: { ours: ['game-kit', 'game-kit/replica'], npm: NONE, node: false },
  tools: {
    ours: ['client', 'bus', 'protocol', 'testkit', 'game-kit', 'game-*/bot'],
    npm: 'declared',
    node: true,
  },
  // The commands that are about all services read what these declare of themselves.
  'tools/src/schemas.ts': { ours: ['service-kit', 'testkit'], npm: NONE, node: true },
  'tools/src/gen': { ours: ['service-kit', 'bus', 'testkit'], npm: NONE, node: true },
  // The first process of a container under Tilt has nothing but Node.
  tilt: { ours: NONE, npm: NONE, node: true },
  bench: { ours: ['*'], npm: 'declared', node: true },
  test: {
    ours: ['client', 'bus', 'protocol', 'testkit', 'tools', 'game-kit', 'game-*'],
    npm: NONE,
    node: true,
  },
};

/** What the tests of any part may use besides. */
export const TEST_ALLOWANCE: PartRule = {
  ours: ['testkit', 'client', 'protocol', 'bus', 'service-kit', 'game-kit', 'game-*'],
  npm: [
    'vitest',
    'esbuild',
    'fast-check',
    'playwright-core',
    'ws',
    'yaml',
    '@nats-io/transport-node',
    '@nats-io/jetstream',
    '@nats-io/kv',
  ],
  node: true,
};

/** Packages that only one part may touch, outside tests. */
export const RESERVED: Readonly<Record<string, readonly string[]>> = {
  ws: ['services/edge', 'bench'],
  '@fastify/websocket': ['services/edge', 'bench'],
  '@kubernetes/client-node': ['services/matchmaker'],
};

/** Files that choose at run time what they load: services their games, the command its services. */
export const COMPUTED_IMPORTS = [
  'services/simulation/src/',
  'services/matchmaker/src/',
  'packages/service-kit/src/telemetry/',
  'tools/src/schemas.ts',
  'tools/src/start/prepare.ts',
  'tools/src/games/',
];

/**
 * Model runs that put the pure code of two services together, and what of the other one they may use: a game in the
 * model is watched by the real follower of feeds. Nobody else reaches into a service, tests included.
 */
export const MODEL_RUNS: Readonly<Record<string, readonly string[]>> = {
  'services/simulation/test/model/': [
    'services/edge/src/domain/feed-follower.ts',
    'services/edge/src/domain/live-follower.ts',
    'services/edge/src/domain/recent.ts',
  ],
};

/** What builds a part is no code of it: tests may call it where it stands. */
export const BUILD_SCRIPTS: readonly string[] = ['services/web/build.ts'];
