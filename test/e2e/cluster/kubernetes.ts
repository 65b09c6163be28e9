import { type ChildProcess, spawn } from 'node:child_process';
import { eventually, findHelm, runCommand } from '@breakwater/testkit';
import { CLUSTER_COMMANDS, type ClusterCommandName, RUN_LABEL } from '@breakwater/tools';

const NAMESPACE_TIMEOUT_MS = 60_000;

/** Id of this run; its namespaces are deleted by whoever began it. @throws Error when nobody did */
export function runId(): string {
  const id = process.env.BREAKWATER_E2E_RUN;
  if (id === undefined) throw new Error('tests on a cluster are run by "npm run test:e2e", which cleans up');
  return id;
}

/** What kubectl prints. @throws Error with what it complains about */
export function kubectl(args: readonly string[], input?: string): Promise<string> {
  return runCommand('kubectl', args, { timeoutMs: 300_000, ...(input === undefined ? {} : { input }) });
}

/** What kubectl prints of objects, read; looked at by path. */
export async function kubectlJson<T>(args: readonly string[]): Promise<T> {
  return JSON.parse(await kubectl([...args, '--output', 'json'])) as T;
}

export async function helm(args: readonly string[]): Promise<string> {
  return await runCommand(await findHelm(), args, { timeoutMs: 600_000 });
}

/** True when the environment has the command; without it a test is left out. */
export const hasCommand = (name: ClusterCommandName): boolean =>
  (process.env[CLUSTER_COMMANDS[name].env] ?? '') !== '';

/** Runs a command of the environment with arguments. */
export async function clusterCommand(
  name: ClusterCommandName,
  args: readonly string[] = [],
): Promise<string> {
  const { env } = CLUSTER_COMMANDS[name];
  const command = process.env[env];
  if (!command) throw new Error(`${env} is not set`);
  return await runCommand('sh', ['-c', `${command} "$@"`, 'sh', ...args], { timeoutMs: 900_000 });
}

/** True when the cluster measures pods, which autoscalers live on. */
export const hasMetrics = (): Promise<boolean> =>
  kubectl(['top', 'nodes']).then(
    () => true,
    () => false,
  );

/** A namespace of this run that admits only restricted pods. */
export async function makeNamespace(suffix: string): Promise<string> {
  const name = `breakwater-e2e-${runId()}-${suffix}`;
  const labels = { [RUN_LABEL]: runId(), 'pod-security.kubernetes.io/enforce': 'restricted' };
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
  await kubectl(['apply', '--filename', '-'], JSON.stringify(namespace));
  const account = ['get', 'serviceaccount', 'default', '--namespace', name];
  await eventually(() => kubectl(account), { timeoutMs: NAMESPACE_TIMEOUT_MS });
  return name;
}

/** Where NodePorts are reached from outside. */
export async function nodeAddress(): Promise<string> {
  const given = process.env.BREAKWATER_E2E_NODE_ADDRESS;
  if (given) return given;
  const path = '{.items[0].status.addresses[?(@.type=="InternalIP")].address}';
  return await kubectl(['get', 'nodes', '--output', `jsonpath=${path}`]);
}

/** A port of this machine that leads to a port of a pod or Service, until it is disposed of or the pod goes. */
export async function portForward(
  namespace: string,
  target: string,
  port: number,
): Promise<{ readonly port: number } & AsyncDisposable> {
  const args = ['port-forward', '--namespace', namespace, target, `:${port}`, '--address', '127.0.0.1'];
  const child = spawn('kubectl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    return { port: await forwardedPort(child), [Symbol.asyncDispose]: () => end(child) };
  } catch (error) {
    await end(child);
    throw error;
  }
}

function forwardedPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk;
      const [, found] = /Forwarding from 127\.0\.0\.1:(\d+)/.exec(output) ?? [];
      if (found !== undefined) resolve(Number(found));
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      output += chunk;
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`kubectl port-forward ended: ${output.trim()}`)));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}
