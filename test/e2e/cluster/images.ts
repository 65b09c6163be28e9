import { existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '@breakwater/testkit';
import { clusterCommand, hasCommand } from './kubernetes.ts';

const SERVICES = ['edge', 'chat', 'simulation', 'matchmaker'] as const;
const BUILT_TAG = 'e2e';

/** Versions of games, by folder: `old` beside the games of the checkout, `new` instead of them. */
const VERSIONS = join(projectRoot, 'test/versions');
/** Every version that a game on the cluster may have, for those who read logs. */
export const NEWEST_GAMES = join(VERSIONS, 'new');

/** The tag of our images on the cluster: one that is there already, or the one that the suite builds. */
export const imageTag = (): string => process.env.BREAKWATER_E2E_TAG || BUILT_TAG;

/** True when this run can make images of its own. */
export const canBuildImages = (): boolean => hasCommand('buildImage');

/** Builds our images, once a run; does nothing when the environment names some that are there. */
export async function buildImages(): Promise<void> {
  const mark = join(process.env.BREAKWATER_E2E_FOLDER ?? '', 'images-built');
  if (process.env.BREAKWATER_E2E_TAG || !canBuildImages() || existsSync(mark)) return;
  for (const service of SERVICES) await buildServiceImage(service, BUILT_TAG);
  await clusterCommand('buildImage', [
    `breakwater/web:${BUILT_TAG}`,
    '--file',
    join(projectRoot, 'services/web/Dockerfile'),
    projectRoot,
  ]);
  writeFileSync(mark, '');
}

/**
 * Builds an image on top of ours, as people do for games of their own, with the old or the new versions of the games in
 * `test/versions`.
 *
 * @returns the values that make the chart use it
 */
export async function buildGamesImage(version: 'old' | 'new'): Promise<readonly string[]> {
  const repository = 'breakwater/versions';
  const folders = version === 'old' ? 'games,versions/old' : 'versions/new';
  const lines = [
    `FROM breakwater/simulation:${imageTag()}`,
    'COPY . versions',
    `ENV BREAKWATER_SIMULATION_GAME_FOLDERS=${folders}`,
  ];
  const dockerfile = join(process.env.BREAKWATER_E2E_FOLDER ?? tmpdir(), `${version}.Dockerfile`);
  writeFileSync(dockerfile, `${lines.join('\n')}\n`);
  await clusterCommand('buildImage', [`${repository}:${version}`, '--file', dockerfile, VERSIONS]);
  return [`simulation.image.repository=${repository}`, `simulation.image.tag=${version}`];
}

async function buildServiceImage(service: string, tag: string): Promise<void> {
  const dockerfile = join(projectRoot, 'Dockerfile');
  const args = ['--build-arg', `SERVICE=${service}`, '--file', dockerfile, projectRoot];
  await clusterCommand('buildImage', [`breakwater/${service}:${tag}`, ...args]);
}
