import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml';
import { CHART, HELM, readText, renderText } from './helm.ts';

const run = promisify(execFile);

test.each([
  ['an unknown value', ['edge.replica=2'], /edge'.*replica/s],
  ['a wrong type', ['edge.replicas=two'], /edge\/replicas'.*want integer/s],
  ['a number out of range', ['installation.partitions=0'], /installation\/partitions'.*minimum/s],
  ['an even number of copies', ['installation.replicas=2'], /installation\/replicas/],
  ['a word that is not on the list', ['logLevel=loud'], /logLevel'/],
  [
    'an unknown setting',
    ['edge.settings.BREAKWATER_EDGE_MAX_CONECTIONS=5'],
    /edge\/settings'.*MAX_CONECTIONS/s,
  ],
  ['a setting of another service', ['chat.settings.BREAKWATER_EDGE_MAX_CONNECTIONS=5'], /chat\/settings'/],
  [
    'a setting out of its range',
    ['edge.settings.BREAKWATER_EDGE_MAX_CONNECTIONS=0'],
    /BREAKWATER_EDGE_MAX_CONNECTIONS'.*minimum/s,
  ],
  [
    'a setting that the chart makes itself',
    ['edge.settings.BREAKWATER_NATS_URL=nats://x'],
    /edge\/settings'/,
  ],
  ['development mode', ['edge.settings.BREAKWATER_DEV=true'], /edge\/settings'/],
  ['a quantity that is none', ['chat.resources.limits.memory=lots'], /chat\/resources\/limits\/memory'/],
  ['an origin with a path', ['edge.origins={https://a.example/x}'], /edge\/origins\/0'/],
  ['a password in a NATS URL', ['nats.external.url=nats://a:b@nats:4222'], /nats\/external\/url'/],
  ['a NATS URL of another kind', ['nats.external.url=http://nats'], /nats\/external\/url'/],
])('%s is refused with its path', async (_what, sets, message) => {
  await expect(renderText(sets.flatMap((set) => ['--set', set]))).rejects.toThrow(message);
});

test.each([
  [
    "the demo with an issuer of one's own",
    ['demo.enabled=true', 'edge.jwt.jwksUrl=https://a/b'],
    /demo\.enabled: /,
  ],
  ['copies that the embedded NATS cannot keep', ['installation.replicas=3'], /installation\.replicas: /],
  ['TLS without a certificate', ['nats.tls.enabled=true'], /nats\.tls\.secretName: /],
  ['TLS at the edge without a certificate', ['edge.tls.enabled=true'], /edge\.tls\.secretName: /],
  ['a drain that does not fit', ['edge.drain.deadlineSeconds=30'], /edge\.drain\.deadlineSeconds: /],
  ['an autoscaler upside down', ['chat.autoscaling.minReplicas=9'], /chat\.autoscaling\.minReplicas: /],
  [
    'a buffer without the Kubernetes API',
    ['simulation.buffer.enabled=true', 'matchmaker.kubernetes.enabled=false'],
    /simulation\.buffer\.enabled: /,
  ],
  [
    'a buffer upside down',
    ['simulation.buffer.enabled=true', 'simulation.buffer.minReplicas=20'],
    /simulation\.buffer\.minReplicas: /,
  ],
  [
    'the demo behind an edge with TLS',
    ['demo.enabled=true', 'edge.tls.enabled=true', 'edge.tls.secretName=a'],
    /demo\.enabled: /,
  ],
])('%s is refused in one sentence', async (_what, sets, message) => {
  await expect(renderText(sets.flatMap((set) => ['--set', set]))).rejects.toThrow(message);
});

/** Every pair of a map with its path, and the comment before it. */
function* pairs(
  map: YAMLMap,
  path = '',
): Generator<{ path: string; pair: Pair; comment: string | null | undefined }> {
  for (const [index, pair] of map.items.entries()) {
    const key = isScalar(pair.key) ? String(pair.key.value) : '';
    const before = isScalar(pair.key) ? pair.key.commentBefore : undefined;
    // The comment before a map's first key hangs on the map.
    yield {
      path: `${path}${key}`,
      pair: pair as Pair,
      comment: before ?? (index === 0 ? map.commentBefore : undefined),
    };
    const isFlow = isMap(pair.value) && pair.value.flow === true;
    if (isMap(pair.value) && !isFlow) yield* pairs(pair.value, `${path}${key}.`);
  }
}

test('every value has a comment', () => {
  const document = parseDocument(readText('charts/breakwater/values.yaml'));
  const all = [...pairs(document.contents as YAMLMap)];
  expect(all.length).toBeGreaterThan(150);
  const free = /resources\.(requests|limits)$|^edge\.ingress\.annotations\./;
  expect(all.filter(({ path, comment }) => !comment && !free.test(path)).map(({ path }) => path)).toEqual([]);
});

/** Every schema of a property, with its path. */
function* properties(
  schema: unknown,
  path = '',
): Generator<{ path: string; schema: Record<string, unknown> }> {
  if (typeof schema !== 'object' || schema === null) return;
  const { properties: inner, items, definitions } = schema as Record<string, Record<string, unknown>>;
  for (const [name, each] of Object.entries({ ...inner, ...definitions })) {
    yield { path: `${path}/${name}`, schema: each as Record<string, unknown> };
    yield* properties(each, `${path}/${name}`);
  }
  if (items !== undefined) yield* properties(items, `${path}/*`);
}

test('the schema describes every value and leaves nothing open by accident', () => {
  const schema: unknown = JSON.parse(readText('charts/breakwater/values.schema.json'));
  const all = [...properties(schema)];
  expect(all.length).toBeGreaterThan(300);
  for (const { path, schema: each } of all) {
    if (each.$ref === undefined) expect(each.description, path).toBeTypeOf('string');
    if (each.type === 'object' && each.properties !== undefined)
      expect(each.additionalProperties, path).toBe(false);
  }
});

test('the schema and the values name the same things', () => {
  const document = parseDocument(readText('charts/breakwater/values.yaml'));
  const schema = JSON.parse(readText('charts/breakwater/values.schema.json')) as Record<string, unknown>;
  const missing: string[] = [];
  const walk = (values: unknown, of: unknown, path: string): void => {
    const ref = (of as { $ref?: string }).$ref;
    const definitions = schema.definitions as Record<string, unknown>;
    const target = (ref === undefined ? of : definitions[ref.replace('#/definitions/', '')]) as Record<
      string,
      unknown
    >;
    for (const [name, each] of Object.entries((target.properties ?? {}) as Record<string, unknown>)) {
      if (path.endsWith('.settings') || /resources/.test(path) || name === 'global') continue;
      const value = Reflect.get(values as object, name) as unknown;
      if (value === undefined) missing.push(`${path}.${name}`);
      else if (typeof value === 'object' && value !== null) walk(value, each, `${path}.${name}`);
    }
  };
  walk(document.toJS(), schema, '');
  expect(missing).toEqual([]);
});

test('a tag that is a number is taken as it was written, a fraction is refused', async () => {
  const text = await renderText(['--set', 'image.tag=20260115,simulation.image.tag=7']);
  expect(text).toContain('image: breakwater/edge:20260115\n');
  expect(text).toContain('image: breakwater/simulation:7\n');
  await expect(renderText(['--set-json', 'simulation.image.tag=1.10'])).rejects.toThrow(
    /simulation\/image\/tag'/,
  );
});

test.each(['monitoring', 'gateway'])('the example k8s/%s-values.yaml fits the chart', async (name) => {
  const text = await renderText(['--values', join(projectRoot, `k8s/${name}-values.yaml`)]);
  expect(text).toContain(name === 'gateway' ? 'kind: HTTPRoute' : 'kind: PodMonitor');
});

test('helm lint has nothing to say', async () => {
  await expect(run(HELM, ['lint', '--strict', '--kube-version', '1.34.0', CHART])).resolves.toBeDefined();
});

test('a cluster that is too old is refused', async () => {
  await expect(run(HELM, ['template', 'bw', CHART, '--kube-version', '1.28.0'])).rejects.toThrow(
    /kubeVersion/,
  );
});
