import { join } from 'node:path';
import { connect } from '@breakwater/client';
import { eventually, projectRoot, startStack } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesOf, writeOut } from './write-a-game/doc-files.ts';
import { runNode, Stopped, toolOf } from './write-a-game/run.ts';

const TSCONFIG = JSON.stringify({ extends: join(projectRoot, 'tsconfig.json'), include: ['**/*.ts'] });

describe('the game of docs/write-a-game.md', () => {
  let folder: Awaited<ReturnType<typeof writeOut>>;

  beforeAll(async () => {
    const files = await filesOf('write-a-game.md');
    expect([...files.keys()].sort()).toEqual([
      'games/tug/package.json',
      'games/tug/src/index.ts',
      'games/tug/src/tables.ts',
      'games/tug/test/tug.test.ts',
      'play-tug.ts',
    ]);
    folder = await writeOut(new Map([...files, ['tsconfig.json', TSCONFIG]]));
  });

  afterAll(async () => {
    await folder?.[Symbol.asyncDispose]();
  });

  it('has the right types, without a cast', async () => {
    const { code, output } = await runNode(
      [toolOf('typescript/bin/tsc'), '--project', folder.path],
      folder.path,
    );
    expect(output).toBe('');
    expect(code).toBe(0);
  });

  it('passes the test that the page shows', async () => {
    const { code, output } = await runNode(
      [toolOf('vitest/vitest.mjs'), 'run', '--root', folder.path],
      folder.path,
    );
    expect(output).toMatch(/4 passed/);
    expect(code).toBe(0);
  });

  it('is picked up by the services and played by the program that the page shows', async () => {
    await using stack = await startStack({
      edges: 1,
      simulations: 1,
      env: {
        simulation: {
          BREAKWATER_SIMULATION_GAME_FOLDERS: join(folder.path, 'games'),
          BREAKWATER_SIMULATION_VERIFY: 'true',
        },
      },
    });
    const edge = stack.edgeUrls[0]!;
    using stopped = new Stopped();
    const player = runNode([join(folder.path, 'play-tug.ts'), edge], folder.path, stopped.signal);

    await using client = await connect({ urls: [edge], token: stack.token('watcher') });
    const [info] = await eventually(async () => {
      const games = await client.games.list('tug');
      expect(games).toHaveLength(1);
      return games;
    });
    const watched = await client.games.join(info!.game, { spectate: true });
    const rounds: unknown[] = [];
    watched.replica.table('rounds').on({ event: (row) => rounds.push(row) });

    const { code, output } = await player;
    expect(output).toContain('Round won by team 0, last pull by player 1');
    expect(code).toBe(0);
    await eventually(() => expect(rounds).toEqual([{ winner: 0, by: 1 }]));
    expect(watched.replica.table('members').rows.get(1)?.pulls).toBeGreaterThan(3);
    expect(watched.replica.table('stamina').rows.size).toBe(0);
  });
});
