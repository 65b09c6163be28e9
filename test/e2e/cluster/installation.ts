import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, connect } from '@breakwater/client';
import { eventually, projectRoot, signToken } from '@breakwater/testkit';
import { buildImages, imageTag } from './images.ts';
import {
  clusterCommand,
  hasCommand,
  helm,
  kubectl,
  kubectlJson,
  makeNamespace,
  nodeAddress,
  portForward,
} from './kubernetes.ts';

const RELEASE = 'breakwater';
const READY_TIMEOUT_MS = 240_000;
export const SERVICES = ['edge', 'chat', 'matchmaker', 'simulation', 'web'] as const;
export type Service = (typeof SERVICES)[number];

/** What the tests look at of a pod. */
export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly phase: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly {
      readonly containerID?: string;
      readonly restartCount: number;
      readonly ready: boolean;
    }[];
  };
}

/** The chart, installed in a namespace of its own, seen from outside of the cluster. */
export class Installation {
  readonly namespace: string;
  readonly #node: string;
  #jwtSecret = '';

  private constructor(namespace: string, node: string) {
    this.namespace = namespace;
    this.#node = node;
  }

  /** The one that the tests of a run share: installed by whoever comes first. */
  static async shared(): Promise<Installation> {
    const installation = new Installation(await makeNamespace('shared'), await nodeAddress());
    const isThere = await installation.helm(['status']).then(
      () => true,
      () => false,
    );
    const failed = join(process.env.BREAKWATER_E2E_FOLDER ?? '', 'install-failed');
    if (existsSync(failed)) throw new Error('the installation failed before');
    try {
      if (!isThere) await installation.#install();
      await installation.ready();
    } catch (error) {
      writeFileSync(failed, '');
      throw new Error(await installation.#describe(), { cause: error });
    }
    return installation;
  }

  async #install(): Promise<void> {
    await buildImages();
    await this.upgrade([]);
  }

  /** What a person would look at first when pods do not become ready. */
  async #describe(): Promise<string> {
    const lines = ['the installation does not become ready', await this.kubectl(['get', 'pods'])];
    for (const service of [...SERVICES, 'nats' as const])
      for (const { metadata, status } of await this.pods(service)) {
        if (status.containerStatuses?.[0]?.ready === true) continue;
        const log = await this.kubectl(['logs', metadata.name, '--tail=3']).catch(String);
        lines.push(`${metadata.name}: ${log.slice(0, 2_000)}`);
      }
    return lines.join('\n');
  }

  /** `helm upgrade --install` with the values of the suite and further `--set` of the caller's; does not wait. */
  async upgrade(values: readonly string[], flags: readonly string[] = []): Promise<void> {
    const file = join(import.meta.dirname, '../values.yaml');
    const all = [`image.tag=${imageTag()}`, ...values].flatMap((value) => ['--set', value]);
    const chart = join(projectRoot, 'charts/breakwater');
    await helm([
      'upgrade',
      '--install',
      RELEASE,
      chart,
      '--namespace',
      this.namespace,
      '--values',
      file,
      ...all,
      ...flags,
    ]);
    if (hasCommand('prepareVolumes')) await this.#prepareVolumes();
  }

  /** A claim is bound before its pod starts; the command may come before the pod has failed, or after. */
  async #prepareVolumes(): Promise<void> {
    const path = '{.items[*].status.phase}';
    const args = ['get', 'pvc', '--namespace', this.namespace, '--output', `jsonpath=${path}`];
    await eventually(async () => (await kubectl(args)) === 'Bound', { timeoutMs: 60_000 });
    await clusterCommand('prepareVolumes');
  }

  helm(args: readonly string[]): Promise<string> {
    const [verb = '', ...others] = args;
    return helm([verb, RELEASE, '--namespace', this.namespace, ...others]);
  }

  kubectl(args: readonly string[], input?: string): Promise<string> {
    return kubectl(['--namespace', this.namespace, ...args], input);
  }

  json<T>(args: readonly string[]): Promise<T> {
    return kubectlJson<T>(['--namespace', this.namespace, ...args]);
  }

  /** Resolves when every workload has what it wants, and no pod of before is left. */
  async ready(...services: readonly Service[]): Promise<void> {
    const some = services.length === 0 ? SERVICES : services;
    const timeout = `--timeout=${READY_TIMEOUT_MS / 1000}s`;
    if (services.length === 0)
      await this.kubectl(['rollout', 'status', `statefulset/${RELEASE}-nats`, timeout]);
    for (const service of some)
      await this.kubectl(['rollout', 'status', `deployment/${RELEASE}-${service}`, timeout]);
    for (const service of some) await this.#settled(service);
  }

  async #settled(service: Service): Promise<void> {
    const check = async () => (await this.pods(service)).every(({ metadata }) => !metadata.deletionTimestamp);
    await eventually(check, { timeoutMs: READY_TIMEOUT_MS, intervalMs: 500 });
  }

  /** Pods that are there, those on their way out included. */
  async pods(component: Service | 'nats'): Promise<readonly Pod[]> {
    const selector = `app.kubernetes.io/instance=${RELEASE},app.kubernetes.io/component=${component}`;
    const { items } = await this.json<{ items: readonly Pod[] }>(['get', 'pods', '--selector', selector]);
    return items;
  }

  async podNames(component: Service | 'nats'): Promise<string[]> {
    return (await this.pods(component)).map(({ metadata }) => metadata.name).sort();
  }

  /** What the pods of a service have written so far, one after the other. */
  async logs(component: Service): Promise<string> {
    const names = await this.podNames(component);
    return (await Promise.all(names.map((name) => this.kubectl(['logs', name])))).join('\n');
  }

  /** Restarts of each container of the installation, by pod. */
  async restarts(): Promise<Record<string, number>> {
    const pods = await Promise.all([...SERVICES, 'nats' as const].map((service) => this.pods(service)));
    return Object.fromEntries(
      pods
        .flat()
        .map(({ metadata, status }) => [metadata.name, status.containerStatuses?.[0]?.restartCount ?? 0]),
    );
  }

  /** `kubectl rollout restart`, to its end. */
  async restart(service: Service): Promise<void> {
    const before = new Set(await this.podNames(service));
    await this.kubectl(['rollout', 'restart', `deployment/${RELEASE}-${service}`]);
    await this.ready(service);
    const left = (await this.podNames(service)).filter((name) => before.has(name));
    if (left.length > 0) throw new Error(`${left.join(', ')} survived the restart`);
  }

  async scale(service: Service, replicas: number): Promise<void> {
    await this.kubectl(['scale', `deployment/${RELEASE}-${service}`, `--replicas=${replicas}`]);
    await this.ready(service);
  }

  /** Where clients reach the Service of the edges or of the page from outside. */
  async url(service: 'edge' | 'web'): Promise<string> {
    const path = 'jsonpath={.spec.ports[0].nodePort}';
    const port = await this.kubectl(['get', 'service', `${RELEASE}-${service}`, '--output', path]);
    return `http://${this.#node}:${port}`;
  }

  /** A value of a Secret of the chart. */
  async secret(name: 'jwt' | 'nats-users', key: string): Promise<string> {
    const path = `jsonpath={.data.${key}}`;
    const value = await this.kubectl(['get', 'secret', `${RELEASE}-${name}`, '--output', path]);
    return Buffer.from(value, 'base64').toString();
  }

  async jwtSecret(): Promise<string> {
    this.#jwtSecret ||= await this.secret('jwt', 'secret');
    return this.#jwtSecret;
  }

  /** A user of the SDK, through the Service of the edges. */
  async connect(user: string): Promise<Client> {
    const secret = await this.jwtSecret();
    return await connect({ urls: [await this.url('edge')], token: () => signToken(secret, { user }) });
  }

  /** The streams, for the tools: a URL with the login of their user, as long as the forward lives. */
  async nats(user = 'operator'): Promise<{ readonly url: string } & AsyncDisposable> {
    const password = await this.secret('nats-users', user);
    const forward = await portForward(this.namespace, `service/${RELEASE}-nats`, 4222);
    return {
      url: `nats://${user}:${password}@127.0.0.1:${forward.port}`,
      [Symbol.asyncDispose]: () => forward[Symbol.asyncDispose](),
    };
  }
}
