import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findHelm, projectRoot } from '@breakwater/testkit';
import { parseAllDocuments } from 'yaml';

const run = promisify(execFile);

/** Found before the first test: on a new machine it is built first, which takes minutes. */
export const HELM = await findHelm({ log: (message) => console.error(message) });

export const CHART = join(projectRoot, 'charts/breakwater');
/** Values of the examples in `values/`. */
export const VALUE_SETS = ['defaults', 'demo', 'production', 'certificates'] as const;
export type ValueSet = (typeof VALUE_SETS)[number];

export const SERVICES = ['chat', 'edge', 'matchmaker', 'simulation', 'web'] as const;
export type Service = (typeof SERVICES)[number];

/** An object of Kubernetes as it is rendered. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> } & Json;
  readonly spec: Json;
  readonly data?: Readonly<Record<string, string>>;
  readonly rules?: readonly Json[];
}
// What hangs below is looked at by path: `at(object, 'spec.template…')`.
export type Json = Readonly<Record<string, unknown>>;

/** The value at a path of names and numbers; `undefined` where there is none. */
export function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, name) => {
    return typeof inner === 'object' && inner !== null ? Reflect.get(inner, name) : undefined;
  }, value);
}

export const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? (value as Json[]) : []);

/** What `helm template` writes. @throws Error with what Helm says */
export async function renderText(args: readonly string[]): Promise<string> {
  const all = ['template', 'bw', CHART, '--namespace', 'play', '--kube-version', '1.34.0', ...args];
  try {
    const { stdout } = await run(HELM, all, { maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new Error(stderr ?? String(error));
  }
}

export const valuesFile = (set: ValueSet): string => join(import.meta.dirname, 'values', `${set}.yaml`);

const rendered = new Map<string, Promise<readonly KubeObject[]>>();

/** Objects of an example, rendered once. */
export function render(set: ValueSet, args: readonly string[] = []): Promise<readonly KubeObject[]> {
  const key = [set, ...args].join(' ');
  const known = rendered.get(key);
  if (known !== undefined) return known;
  const objects = renderText(['--values', valuesFile(set), ...args]).then(parseObjects);
  rendered.set(key, objects);
  return objects;
}

export function parseObjects(text: string): readonly KubeObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    const value = document.toJS() as KubeObject | null;
    return value === null ? [] : [value];
  });
}

export const ofKind = (objects: readonly KubeObject[], kind: string): readonly KubeObject[] =>
  objects.filter((object) => object.kind === kind);

export const componentOf = (object: KubeObject): string | undefined =>
  object.metadata.labels?.['app.kubernetes.io/component'];

/** @throws Error when there is not exactly one */
export function one(objects: readonly KubeObject[], kind: string, component: string): KubeObject {
  const found = ofKind(objects, kind).filter((object) => componentOf(object) === component);
  if (found.length !== 1 || found[0] === undefined)
    throw new Error(`${found.length} objects of kind ${kind} for ${component}`);
  return found[0];
}

/** Everything that runs pods: its name and the pod's spec. */
export function podSpecs(objects: readonly KubeObject[]): { name: string; component: string; spec: Json }[] {
  return objects.flatMap((object) => {
    const spec = object.kind === 'Pod' ? object.spec : at(object.spec, 'template.spec');
    if (spec === undefined || !['Pod', 'Deployment', 'StatefulSet', 'Job', 'DaemonSet'].includes(object.kind))
      return [];
    const name = `${object.kind}/${object.metadata.name}`;
    return [{ name, component: componentOf(object) ?? '', spec: spec as Json }];
  });
}

/** The environment of a service's container: its ConfigMap and what the template adds, secrets as given. */
export function environmentOf(
  objects: readonly KubeObject[],
  service: Service,
  secret: (name: string, key: string) => string,
): Record<string, string> {
  const container = list(at(one(objects, 'Deployment', service), 'spec.template.spec.containers'))[0];
  const env: Record<string, string> = {};
  for (const from of list(at(container, 'envFrom'))) {
    const name = at(from, 'configMapRef.name');
    Object.assign(
      env,
      objects.find((each) => each.kind === 'ConfigMap' && each.metadata.name === name)?.data,
    );
  }
  for (const item of list(at(container, 'env'))) {
    const key = String(item.name);
    const field = at(item, 'valueFrom.fieldRef.fieldPath');
    const ref = at(item, 'valueFrom.secretKeyRef') as { name: string; key: string } | undefined;
    if (ref !== undefined) env[key] = secret(ref.name, ref.key);
    else env[key] = field === undefined ? String(item.value) : `${service}-7f9c4d-abcde`;
  }
  return env;
}

export const readText = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');
