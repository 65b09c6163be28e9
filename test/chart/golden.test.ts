import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  type KubeObject,
  ofKind,
  parseObjects,
  readText,
  render,
  renderText,
  VALUE_SETS,
  valuesFile,
} from './helm.ts';

/** What is made anew at every rendering, and dashboards, which are files of their own. */
function settled(text: string): string {
  return text
    .replace(/^( {2}[\w-]+): "[A-Za-z0-9+/=]{40,}"$/gm, '$1: "(random)"')
    .replace(/^( {2}(\w+\.json): \|)\n(?: {4}.*\n)+/gm, '$1\n    (dashboards/$2)\n');
}

test.each(VALUE_SETS)('the chart renders %s as in its golden file', async (set) => {
  const text = await renderText(['--values', valuesFile(set)]);
  await expect(settled(text)).toMatchFileSnapshot(join(import.meta.dirname, 'golden', `${set}.yaml`));
});

test('dashboards are rendered as their files are', async () => {
  const maps = ofKind(await render('production'), 'ConfigMap').filter((map: KubeObject) =>
    map.metadata.name.includes('-dashboard-'),
  );
  const files = readdirSync(join(import.meta.dirname, '../../charts/breakwater/dashboards')).sort();
  expect(maps.flatMap(({ data }) => Object.keys(data ?? {})).sort()).toEqual(files);
  for (const { data } of maps) {
    for (const [file, text] of Object.entries(data ?? {}))
      expect(text).toBe(readText(`charts/breakwater/dashboards/${file}`));
  }
});

test('generated secrets differ from one installation to the next, are long, and begin as NATS needs them', async () => {
  const secrets = async () =>
    ofKind(parseObjects(await renderText([])), 'Secret').flatMap(({ data }) =>
      Object.entries(data ?? {}).map(
        ([key, value]) => [key, Buffer.from(value, 'base64').toString()] as const,
      ),
    );
  const [first, second] = await Promise.all([secrets(), secrets()]);
  expect(first.map(([key]) => key).sort()).toEqual(
    ['chat', 'edge', 'matchmaker', 'operator', 'secret', 'simulation'].sort(),
  );
  const both = [...first, ...second].map(([, value]) => value);
  expect(new Set(both).size).toBe(12);
  for (const [key, value] of first)
    expect(value).toMatch(key === 'secret' ? /^[A-Za-z0-9]{48}$/ : /^p[A-Za-z0-9]{40}$/);
});

test('secrets that are given are not made', async () => {
  const args = ['--set', 'nats.existingSecret=a', '--set', 'edge.jwt.existingSecret=b'];
  expect(ofKind(parseObjects(await renderText(args)), 'Secret')).toEqual([]);
});
