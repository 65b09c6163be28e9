import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { eventually, runCommand } from '@breakwater/testkit';
import { parse } from 'yaml';
import { KubeFiles } from './kube-files.ts';

/** In every node of a test cluster; does nothing at all. */
const IDLE_IMAGE = 'registry.k8s.io/pause:3.10';
/** No scheduler is called so: the pod stays what it is, an object of the API. */
const NO_SCHEDULER = 'nobody';

interface KubeconfigFile {
  readonly clusters: readonly {
    readonly name: string;
    readonly cluster: Readonly<Record<string, unknown>>;
  }[];
}

/** A namespace of a test's own on the cluster that the kubeconfig leads to. */
export class KubeWorld implements AsyncDisposable {
  readonly namespace = `bw-kube-${randomBytes(3).toString('hex')}`;
  readonly files = new KubeFiles();
  readonly kubeconfig: string;

  private constructor(kubeconfig: string) {
    this.kubeconfig = kubeconfig;
  }

  static async start(): Promise<KubeWorld> {
    const kubeconfig = process.env.KUBECONFIG;
    if (kubeconfig === undefined) throw new Error('KUBECONFIG says where no cluster is');
    const world = new KubeWorld(kubeconfig);
    // Whoever started the run takes away what carries its label, should this process not get so far.
    const labels = { 'breakwater-e2e-run': process.env.BREAKWATER_E2E_RUN ?? 'by-hand' };
    await world.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: world.namespace, labels } });
    return world;
  }

  kubectl(...args: string[]): Promise<string> {
    return runCommand('kubectl', ['--namespace', this.namespace, ...args], { timeoutMs: 120_000 });
  }

  async apply(...objects: readonly object[]): Promise<void> {
    await this.kubectl('apply', '--filename', this.files.write({ kind: 'List', items: objects }));
  }

  /** Pods that never run. */
  pods(...names: readonly string[]): Promise<void> {
    return this.apply(
      ...names.map((name) => ({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, labels: LABELS },
        spec: { ...POD_SPEC, schedulerName: NO_SCHEDULER },
      })),
    );
  }

  /** A Deployment of pods that run and do nothing. */
  deployment(name: string, replicas: number): Promise<void> {
    const template = { metadata: { labels: LABELS }, spec: POD_SPEC };
    const spec = { replicas, selector: { matchLabels: LABELS }, template };
    return this.apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec });
  }

  async deletePod(name: string): Promise<void> {
    await this.kubectl('delete', 'pod', name, '--grace-period=0', '--force', '--wait=false');
  }

  async podNames(): Promise<string[]> {
    const { items } = JSON.parse(await this.kubectl('get', 'pods', '--output', 'json')) as {
      items: { metadata: { name: string; deletionTimestamp?: string } }[];
    };
    return items
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata }) => metadata.name)
      .sort();
  }

  async annotations(pod: string): Promise<Readonly<Record<string, string>>> {
    const text = await this.kubectl('get', 'pod', pod, '--output', 'jsonpath={.metadata.annotations}');
    return text === '' ? {} : (JSON.parse(text) as Record<string, string>);
  }

  /** The same credentials for another address of the same server. */
  through(address: string): string {
    const config = parse(readFileSync(this.kubeconfig, 'utf8')) as KubeconfigFile;
    const { hostname } = new URL(this.server);
    const name = isIP(hostname) === 0 ? { 'tls-server-name': hostname } : {};
    const server = `https://${address}`;
    const clusters = config.clusters.map((item) => ({
      ...item,
      cluster: { ...item.cluster, ...name, server },
    }));
    return this.files.write({ ...config, clusters });
  }

  /** Host and port of the API server. */
  get address(): { host: string; port: number } {
    const { hostname, port } = new URL(this.server);
    return { host: hostname, port: Number(port || 443) };
  }

  get server(): string {
    const config = parse(readFileSync(this.kubeconfig, 'utf8')) as KubeconfigFile;
    return String(config.clusters[0]?.cluster.server);
  }

  /** A kubeconfig of an account that may do what these rules say. */
  async account(name: string, rules: readonly object[]): Promise<string> {
    const metadata = { name, namespace: this.namespace };
    const subjects = [{ kind: 'ServiceAccount', ...metadata }];
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name };
    await this.apply(
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules },
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata, roleRef, subjects },
    );
    const token = await eventually(() => this.kubectl('create', 'token', name), {
      timeoutMs: 60_000,
      intervalMs: 500,
    });
    const config = parse(readFileSync(this.kubeconfig, 'utf8')) as {
      contexts: { context: { user: string } }[];
    };
    const user = config.contexts[0]?.context.user;
    return this.files.write({ ...config, users: [{ name: user, user: { token: token.trim() } }] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await runCommand('kubectl', ['delete', 'namespace', this.namespace, '--wait=false'], {
      timeoutMs: 60_000,
    });
    this.files[Symbol.dispose]();
  }
}

const LABELS = { app: 'sim' };
const POD_SPEC = {
  terminationGracePeriodSeconds: 1,
  automountServiceAccountToken: false,
  containers: [{ name: 'idle', image: IDLE_IMAGE, resources: { requests: { cpu: '1m', memory: '4Mi' } } }],
};
