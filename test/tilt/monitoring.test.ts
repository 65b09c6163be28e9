import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findPromtool, projectRoot } from '@breakwater/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { at, type KubeObject, list, ofKind, podSpecs, readText } from '../chart/helm.ts';
import { Tilt, type TiltRun } from './tilt.ts';

const run = promisify(execFile);
let tilt: Tilt;
let monitored: TiltRun;

beforeAll(async () => {
  tilt = await Tilt.build();
  monitored = await tilt.run('up', ['--monitoring']);
}, 600_000);

afterAll(() => tilt?.[Symbol.asyncDispose]());

const configMap = (name: string): Readonly<Record<string, string>> =>
  ofKind(monitored.objects, 'ConfigMap').find(({ metadata }) => metadata.name === name)?.data ?? {};

test('Prometheus and Grafana come only when they are asked for', async () => {
  const plain = await tilt.run('up');
  const names = (objects: readonly KubeObject[]) => podSpecs(objects).map(({ name }) => name);
  expect(names(plain.objects).filter((name) => /prometheus|grafana/.test(name))).toEqual([]);
  expect(names(monitored.objects)).toEqual(
    expect.arrayContaining(['Deployment/prometheus', 'Deployment/grafana']),
  );
});

test('Prometheus is given a configuration that it accepts, with the alerts of the chart', async () => {
  const files = configMap('prometheus');
  expect(files['alerts.yaml']).toBe(readText('charts/breakwater/files/alerts.yaml'));
  const dir = mkdtempSync(join(tmpdir(), 'breakwater-prometheus-'));
  try {
    const config = parse(files['prometheus-config.yml'] ?? '') as {
      scrape_configs: Record<string, unknown>[];
    };
    const [{ kubernetes_sd_configs: discovery, ...job } = {}] = config.scrape_configs;
    expect(discovery).toEqual([{ role: 'pod', namespaces: { names: ['breakwater'] } }]);
    // Debian's promtool is built without Kubernetes.
    const known = {
      ...config,
      scrape_configs: [{ ...job, static_configs: [{ targets: ['127.0.0.1:9090'] }] }],
    };
    writeFileSync(join(dir, 'alerts.yaml'), files['alerts.yaml'] ?? '');
    writeFileSync(
      join(dir, 'prometheus-config.yml'),
      stringify(known).replace('/etc/prometheus/', `${dir}/`),
    );
    const promtool = await findPromtool({ install: true });
    const { stdout } = await run(promtool, ['check', 'config', join(dir, 'prometheus-config.yml')]);
    expect(stdout).toMatch(/SUCCESS: \d+ rules found/);
  } finally {
    rmSync(dir, { recursive: true });
  }
}, 300_000);

test('Prometheus finds the pods of every service, and may read them', () => {
  const pods = podSpecs(monitored.objects).filter(({ name }) => name.startsWith('Deployment/breakwater-'));
  expect(pods.length).toBe(5);
  for (const { name, spec } of pods)
    expect(
      list(at(spec, 'containers.0.ports')).map((port) => port.name),
      name,
    ).toContain('admin');
  const labels = ofKind(monitored.objects, 'Deployment').map((each) =>
    at(each, 'spec.template.metadata.labels'),
  );
  expect(
    labels.filter((each) => Reflect.get(each as object, 'app.kubernetes.io/part-of') === 'breakwater'),
  ).toHaveLength(5);
  const allowed = ofKind(monitored.objects, 'NetworkPolicy').filter((policy) =>
    JSON.stringify(policy.spec).includes('"monitoring"'),
  );
  expect(allowed.length).toBeGreaterThan(0);
  const binding = ofKind(monitored.objects, 'RoleBinding').find(
    ({ metadata }) => metadata.name === 'prometheus',
  );
  expect(at(binding, 'metadata.namespace')).toBe('breakwater');
});

test('Grafana is given every dashboard of the chart, from the folder that it looks into', () => {
  const files = readdirSync(join(projectRoot, 'charts/breakwater/dashboards'));
  expect(Object.keys(configMap('grafana-dashboards')).sort()).toEqual(files.sort());
  const mounts = list(
    at(
      podSpecs(monitored.objects).find(({ name }) => name === 'Deployment/grafana')?.spec,
      'containers.0.volumeMounts',
    ),
  );
  const provisioning = configMap('grafana-provisioning');
  for (const mount of mounts.filter(({ name }) => name === 'provisioning'))
    expect(Object.keys(provisioning)).toContain(mount.subPath);
  const folder = mounts.find(({ name }) => name === 'dashboards')?.mountPath;
  expect(provisioning['grafana-dashboards.yml']).toContain(`path: ${folder}`);
});
