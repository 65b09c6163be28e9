import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@breakwater/client';
import { eventually, signToken } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesOf, writeOut } from '../write-a-game/doc-files.ts';
import { runNode, Stopped } from '../write-a-game/run.ts';
import { canBuildImages, imageTag } from './cluster/images.ts';
import { Installation } from './cluster/installation.ts';
import { clusterCommand } from './cluster/kubernetes.ts';

const IMAGE = { repository: 'breakwater/our-games', tag: 'e2e' } as const;

describe.skipIf(!canBuildImages())('the game of docs/write-a-game.md', () => {
  let installation: Installation;
  let folder: Awaited<ReturnType<typeof writeOut>>;

  beforeAll(async () => {
    installation = await Installation.shared();
    folder = await writeOut(await filesOf('write-a-game.md'));
    const dockerfile = join(folder.path, 'Dockerfile');
    await writeFile(dockerfile, `FROM breakwater/simulation:${imageTag()}\nCOPY games/tug games/tug\n`);
    const name = `${IMAGE.repository}:${IMAGE.tag}`;
    await clusterCommand('buildImage', [name, '--file', dockerfile, folder.path]);
  });

  afterAll(async () => {
    await folder?.[Symbol.asyncDispose]();
    await installation.upgrade([]);
    await installation.ready('simulation');
  });

  it('is shipped as an image on top of ours, and played', async () => {
    const image = ['repository', 'tag'] as const;
    await installation.upgrade(image.map((key) => `simulation.image.${key}=${IMAGE[key]}`));
    await installation.ready('simulation');
    const url = await installation.url('edge');
    const secret = await installation.jwtSecret();
    await using client = await connect({ urls: [url], token: signToken(secret, { user: 'watcher' }) });
    const lobby = await client.lobby.watch();
    await eventually(() => expect(lobby.types).toContain('tug'), { timeoutMs: 30_000 });

    using stopped = new Stopped();
    const player = runNode([join(folder.path, 'play-tug.ts'), url], folder.path, stopped.signal);
    const [info] = await eventually(
      async () => {
        const games = await client.games.list('tug');
        expect(games).toHaveLength(1);
        return games;
      },
      { timeoutMs: 60_000 },
    );
    const watched = await client.games.join(info!.game, { spectate: true });
    const rounds: unknown[] = [];
    watched.replica.table('rounds').on({ event: (row) => rounds.push(row) });
    const { code, output } = await player;
    expect(output).toContain('Round won by team 0, last pull by player 1');
    expect(code).toBe(0);
    await eventually(() => expect(rounds).toEqual([{ winner: 0, by: 1 }]));
    // The lobby may have listed it before its pod was known.
    expect(await installation.podNames('simulation')).toContain(watched.pod);
  });
});
