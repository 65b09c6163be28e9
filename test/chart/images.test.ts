import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { CHART, readText, SERVICES } from './helm.ts';

const DOCKERFILES = ['Dockerfile', 'services/web/Dockerfile'];

/** Instructions with their continuation lines joined, comments left out. */
function instructions(file: string): string[] {
  return readText(file)
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '');
}

test.each(DOCKERFILES)('%s uses nothing that only BuildKit understands', (file) => {
  expect(readText(file)).not.toMatch(/^#\s*(syntax|escape)=/m);
  for (const line of instructions(file)) {
    expect(line).toMatch(/^(FROM|ARG|RUN|COPY|WORKDIR|ENV|LABEL|USER|EXPOSE|ENTRYPOINT) /);
    expect(line).not.toMatch(
      /^\w+ --(mount|link|parents|exclude|security|network)\b|<<|TARGETPLATFORM|BUILDPLATFORM/,
    );
  }
});

test.each(DOCKERFILES)(
  'the image of %s is small, does not run as root, and has checked its own settings',
  (file) => {
    const all = instructions(file);
    const stages = all.filter((line) => line.startsWith('FROM '));
    for (const stage of stages) expect(stage).toMatch(/^FROM node:24-bookworm-slim/);
    const last = all.slice(all.lastIndexOf(stages.at(-1) ?? ''));
    expect(last.filter((line) => line.startsWith('USER '))).toEqual(['USER 1000:1000']);
    expect(last.find((line) => line.startsWith('RUN '))).toMatch(/node main\.ts --check-config$/);
    expect(last.findIndex((line) => line.startsWith('USER'))).toBeLessThan(
      last.findIndex((line) => line.startsWith('RUN')),
    );
    for (const label of ['title', 'description', 'version', 'licenses', 'source'])
      expect(last.join('\n')).toContain(`org.opencontainers.image.${label}=`);
    const installs = all.filter((line) => line.includes('npm ci'));
    expect(installs.some((line) => line.includes('--omit=dev') && line.includes('--workspace'))).toBe(true);
  },
);

test('the context holds manifests and sources, and no tests', () => {
  const lines = readText('.dockerignore').split('\n');
  expect(lines).toContain('*');
  for (const pattern of ['**/node_modules', '**/test', '**/*.test.ts', '**/dist'])
    expect(lines).toContain(pattern);
  const { workspaces } = JSON.parse(readText('package.json')) as { workspaces: string[] };
  for (const workspace of workspaces) {
    const folder = workspace.replace('/*', '');
    expect(
      lines.some((line) => line === `!${folder}` || line === `!${folder}/package.json`),
      workspace,
    ).toBe(true);
  }
});

test('a folder in services is a component of the chart', () => {
  const folders = readdirSync(join(projectRoot, 'services')).filter((name) =>
    existsSync(join(projectRoot, 'services', name, 'src/main.ts')),
  );
  expect(folders.sort()).toEqual([...SERVICES]);
  for (const name of folders) expect(existsSync(join(CHART, 'templates', `${name}.yaml`)), name).toBe(true);
});

test('the chart says what it is', () => {
  const chart = parse(readText('charts/breakwater/Chart.yaml')) as Record<string, unknown>;
  for (const key of ['icon', 'sources', 'kubeVersion', 'home', 'maintainers', 'keywords', 'description'])
    expect(chart[key], key).toBeTruthy();
  const annotations = chart.annotations as Record<string, string>;
  expect(annotations['artifacthub.io/license']).toBe('Apache-2.0');
  const images = parse(annotations['artifacthub.io/images'] ?? '') as { name: string; image: string }[];
  expect(images.map(({ name }) => name).sort()).toEqual([...SERVICES, 'nats'].sort());
  const { version } = JSON.parse(readText('package.json')) as { version: string };
  expect(chart.appVersion).toBe(version);
  for (const { name, image } of images)
    if (name !== 'nats') expect(image).toBe(`breakwater/${name}:${version}`);
  const links = parse(annotations['artifacthub.io/links'] ?? '') as { url: string }[];
  const urls = [String(chart.icon), ...links.map(({ url }) => url)];
  expect(urls.length).toBeGreaterThan(2);
  for (const url of urls) {
    const path = url.replace(/^https:\/\/[^/]+\/breakwater-io\/breakwater\/(blob\/|tree\/)?main\//, '');
    expect(existsSync(join(projectRoot, path)), url).toBe(true);
  }
});
