import { join } from 'node:path';
import { projectRoot } from '@breakwater/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { helm, kubectl, kubectlJson, makeNamespace } from './cluster/kubernetes.ts';

const VALUES = ['defaults', 'demo', 'production', 'certificates'];
/** Of other projects: a cluster may lack their definitions, and the chart's golden files hold them. */
const FOREIGN = /^(?:monitoring\.coreos\.com|gateway\.networking\.k8s\.io|cert-manager\.io)\//;

interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
}

describe('the API server', () => {
  let namespace: string;
  let version: string;

  beforeAll(async () => {
    namespace = await makeNamespace('dry');
    const { serverVersion } = await kubectlJson<{ serverVersion: { gitVersion: string } }>(['version']);
    version = serverVersion.gitVersion;
  });

  it.each(VALUES)('takes every object of the chart with the values %s', async (set) => {
    const chart = join(projectRoot, 'charts/breakwater');
    const values = join(projectRoot, 'test/chart/values', `${set}.yaml`);
    const text = await helm([
      'template',
      'breakwater',
      chart,
      '--namespace',
      namespace,
      '--kube-version',
      version,
      '--values',
      values,
      '--skip-tests',
    ]);
    const objects = parseAllDocuments(text)
      .map((document) => document.toJSON() as Rendered | null)
      .filter((object) => object !== null && !FOREIGN.test(object.apiVersion));
    expect(objects.length).toBeGreaterThan(20);
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    const apply = [
      'apply',
      '--dry-run=server',
      '--output',
      'name',
      '--namespace',
      namespace,
      '--filename',
      '-',
    ];
    const taken = (await kubectl(apply, list)).trim().split('\n');
    expect(taken).toHaveLength(objects.length);
  });
});
