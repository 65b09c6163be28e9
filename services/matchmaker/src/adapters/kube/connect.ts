import { existsSync } from 'node:fs';
import { KubeApi } from './kube-api.ts';

const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

export interface ConnectOptions {
  readonly kubernetes: 'auto' | 'on' | 'off';
  readonly kubeconfig: string | undefined;
  readonly namespace: string | undefined;
  readonly kubeTimeoutMs: number;
}

/** The API of a cluster, and the namespace in which we live there. */
export interface KubeConnection {
  readonly api: KubeApi;
  readonly namespace: string;
}

/**
 * The way to the Kubernetes API; nothing is asked yet. `undefined` where there is none, or none is wanted. The library
 * is loaded only here: it takes more memory than the rest of the process.
 *
 * @throws Error when a file that should say where the API is cannot be read
 */
export async function connectKubernetes(options: ConnectOptions): Promise<KubeConnection | undefined> {
  const { kubernetes, kubeconfig, namespace, kubeTimeoutMs } = options;
  const isThere = kubeconfig !== undefined || existsSync(SERVICE_ACCOUNT_TOKEN);
  if (kubernetes === 'off' || (kubernetes === 'auto' && !isThere)) return undefined;
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromCluster();
  else config.loadFromFile(kubeconfig);
  const own = config.getContextObject(config.getCurrentContext())?.namespace?.trim();
  return { api: new KubeApi(config, kubeTimeoutMs), namespace: namespace ?? own ?? 'default' };
}
