import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '@breakwater/testkit';
import { clusterCommand, hasCommand } from './kubernetes.ts';

const SERVICES = ['edge', 'chat', 'simulation', 'matchmaker'] as const;
const BUILT_TAG = 'e2e';

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

async function buildServiceImage(service: string, tag: string): Promise<void> {
  const dockerfile = join(projectRoot, 'Dockerfile');
  const args = ['--build-arg', `SERVICE=${service}`, '--file', dockerfile, projectRoot];
  await clusterCommand('buildImage', [`breakwater/${service}:${tag}`, ...args]);
}
