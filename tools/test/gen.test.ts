import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { projectRoot } from '@breakwater/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { staleDocs, writeDocs } from '../src/gen/docs.ts';
import { loadDeclarations } from '../src/schemas.ts';

const GENERATED = [
  'docs/config.md',
  'docs/telemetry.md',
  'charts/breakwater/files/nats-permissions.yaml',
  'charts/breakwater/values.schema.json',
  'k8s/nats-production-values.yaml',
  ...['overview', 'chat', 'games', 'nats'].map((name) => `charts/breakwater/dashboards/${name}.json`),
];

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'breakwater-gen-'));
});

afterEach(() => rmSync(root, { recursive: true }));

test('the generated docs of this checkout are up to date', async () => {
  expect(await staleDocs()).toEqual([]);
});

test('docs that are missing are written, and then nothing is stale', async () => {
  expect(await staleDocs(root)).toEqual(GENERATED);
  expect(await writeDocs(root)).toEqual(GENERATED);
  expect(await staleDocs(root)).toEqual([]);
  expect(await writeDocs(root)).toEqual([]);
});

test('every setting and metric of every service has its line', async () => {
  await writeDocs(root);
  const config = readFileSync(join(root, 'docs/config.md'), 'utf8');
  const telemetry = readFileSync(join(root, 'docs/telemetry.md'), 'utf8');
  const services = await loadDeclarations();
  expect(services.map(({ name }) => name)).toEqual(['chat', 'edge', 'matchmaker', 'simulation', 'web']);
  for (const { schema, metrics } of services) {
    for (const { env } of Object.values(schema)) expect(config).toContain(`| \`${env}\` |`);
    for (const { name } of Object.values(metrics)) expect(telemetry).toContain(`| \`${name}\` |`);
  }
});

test('a line that was changed by hand is stale, prose around the block is not', async () => {
  mkdirSync(join(root, 'docs'));
  for (const file of ['docs/config.md', 'docs/telemetry.md'])
    cpSync(join(projectRoot, file), join(root, file));
  await writeDocs(root);
  const path = join(root, 'docs/config.md');
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replace('# Settings', '# All the settings'));
  expect(await staleDocs(root)).toEqual([]);
  writeFileSync(path, text.replace('`BREAKWATER_PARTITIONS`', '`BREAKWATER_PARTS`'));
  expect(await staleDocs(root)).toEqual(['docs/config.md']);
});

test('a hand-written part of the schema of the values stays, and every free setting has its property', async () => {
  const path = join(root, 'charts/breakwater/values.schema.json');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '{"title":"mine","definitions":{"image":{"type":"object"},"oldSettings":{}}}');
  await writeDocs(root);
  const { title, definitions } = JSON.parse(readFileSync(path, 'utf8')) as {
    title: string;
    definitions: Record<string, { properties: Record<string, unknown> }>;
  };
  expect(title).toBe('mine');
  expect(Object.keys(definitions)).toEqual([
    'image',
    ...['chat', 'edge', 'matchmaker', 'simulation', 'web'].map((name) => `${name}Settings`),
  ]);
  expect(definitions.edgeSettings?.properties).toHaveProperty('BREAKWATER_EDGE_MAX_CONNECTIONS', {
    type: 'integer',
    minimum: 1,
    maximum: 1_000_000,
    description: 'Connections of this process.',
  });
  expect(definitions.edgeSettings?.properties).not.toHaveProperty('BREAKWATER_NATS_URL');
});

test('a service without settings to read is an error', async () => {
  mkdirSync(join(root, 'services/odd/src'), { recursive: true });
  writeFileSync(join(root, 'services/odd/src/config.ts'), 'export const other = {};\n');
  await expect(loadDeclarations(root)).rejects.toThrow(/config\.ts does not export schema/);
  rmSync(join(root, 'services'), { recursive: true });
  expect(await loadDeclarations(root)).toEqual([]);
});
