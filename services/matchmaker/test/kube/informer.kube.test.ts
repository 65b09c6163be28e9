import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, startProxy } from '@breakwater/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { ApiProxy } from './api-proxy.ts';
import { InformerBed, type InformerBedOptions } from './informer-bed.ts';
import { KubeWorld } from './kube-world.ts';

let world: KubeWorld;
let proxy: ApiProxy;
let made = 0;
const LONG = { timeoutMs: 60_000, intervalMs: 100 };

beforeAll(async () => {
  world = await KubeWorld.start();
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(async () => {
  proxy = await ApiProxy.start(world.kubeconfig);
});
afterEach(() => proxy[Symbol.asyncDispose]());

/** An informer behind the proxy that has the pods of the namespace and watches them. */
async function watching(
  limits: InformerBedOptions['limits'] = {},
  onChange?: () => void,
): Promise<InformerBed> {
  const options = { kubeconfig: world.files.plain(proxy.url), namespace: world.namespace, limits };
  const bed = await InformerBed.start(onChange === undefined ? options : { ...options, onChange });
  const pods = await world.podNames();
  await eventually(() => expect(bed.names).toEqual(pods), LONG);
  await eventually(() => proxy.watches.length > 0, LONG);
  return bed;
}

/** Makes a pod; it is in the book by list or watch. */
async function expectNews(bed: InformerBed): Promise<string> {
  const name = `pod-${made++}`;
  await world.pods(name);
  await eventually(() => expect(bed.names).toContain(name), LONG);
  return name;
}

test('39: pods that come and go are known through the real API, and one that was deleted is a hint', async () => {
  await using bed = await watching();
  const name = await expectNews(bed);
  await world.deletePod(name);
  await eventually(() => expect(bed.hints).toContain(name), LONG);
  expect(bed.names).not.toContain(name);
  expect(bed.failures).toEqual([]);
});

test('39: a watch that is reset goes on where it was, over TLS as well', async () => {
  await using tcp = await startProxy(world.address);
  const kubeconfig = world.through(`127.0.0.1:${tcp.port}`);
  await using bed = await InformerBed.start({ kubeconfig, namespace: world.namespace });
  const first = await expectNews(bed);
  await eventually(() => tcp.connections > 0, LONG);
  tcp.cut();
  await expectNews(bed);
  expect(bed.names).toContain(first);
  expect(bed.count('dropped')).toBeGreaterThanOrEqual(1);
});

test('39: a watch that is half open and silent is given up, and what happened meanwhile is known', async () => {
  await using bed = await watching({ watchIdleMs: 2_000 });
  proxy.freeze();
  await expectNews(bed);
  expect(bed.count('silent')).toBeGreaterThanOrEqual(1);
});

test('39: watches that the server ends in order are asked for again without haste', async () => {
  await using bed = await watching({ kubeRetryMs: 30_000 });
  proxy.fault = ({ url }) => {
    if (url.searchParams.get('watch') === 'true') url.searchParams.set('timeoutSeconds', '1');
    return undefined;
  };
  proxy.end();
  await eventually(() => proxy.watches.length >= 4, LONG);
  const asked = proxy.watches.length;
  await sleep(3_000);
  expect(proxy.watches.length - asked).toBeLessThan(6);
  await expectNews(bed);
  expect(bed.failures).toEqual([]);
});

test('39: a version that the server has forgotten is followed by a list', async () => {
  await using bed = await watching();
  let asked = 0;
  proxy.fault = ({ isWatch, url }) => {
    if (isWatch && asked++ === 0) url.searchParams.set('resourceVersion', '1');
    return undefined;
  };
  const lists = proxy.lists.length;
  proxy.reset();
  await eventually(() => bed.count('expired') === 1, LONG);
  await eventually(() => proxy.lists.length > lists, LONG);
  await expectNews(bed);
});

test('39: lists that fail leave what is known, and are asked for with pauses until they do not', async () => {
  await using bed = await watching({ kubeRetryMs: 1_000, relistMs: 500 });
  const known = bed.names;
  proxy.fault = ({ isWatch }) => (isWatch ? undefined : { status: 500, body: { message: 'etcd is away' } });
  proxy.reset();
  await eventually(() => bed.count('server') >= 4, LONG);
  expect(bed.names).toEqual(known);
  expect(bed.hints).toEqual([]);
  proxy.fault = undefined;
  await expectNews(bed);
});

test('39: an empty list is not read as the death of all pods', async () => {
  await using bed = await watching({ relistMs: 500 });
  const name = await expectNews(bed);
  const known = bed.names;
  const empty = { kind: 'PodList', metadata: { resourceVersion: '1' }, items: [] };
  proxy.fault = ({ isWatch }) => ({ status: isWatch ? 500 : 200, body: empty });
  const lists = proxy.lists.length;
  proxy.reset();
  await eventually(() => proxy.lists.length >= lists + 2, LONG);
  expect(bed.names).toEqual(known);
  expect(bed.hints).toEqual([]);
  proxy.fault = undefined;
  await world.deletePod(name);
  await eventually(() => expect(bed.names).not.toContain(name), LONG);
});

test('39: a callback that throws does not end the watch', async () => {
  let isBad = false;
  await using bed = await watching({}, () => {
    if (isBad) throw new Error('not mine');
  });
  isBad = true;
  await expectNews(bed);
  expect(bed.count('listener')).toBeGreaterThanOrEqual(1);
  await expectNews(bed);
  expect(proxy.watches.length).toBeLessThanOrEqual(4);
});

test('39: an account that may not list pods is told once, and asks rarely', async () => {
  const kubeconfig = await world.account('nobody', []);
  const limits = { kubeForbiddenRetryMs: 1_000 };
  await using bed = await InformerBed.start({ kubeconfig, namespace: world.namespace, limits });
  await eventually(() => bed.count('forbidden') >= 3, LONG);
  expect(bed.warnings).toHaveLength(1);
  expect(new Set(bed.failures)).toEqual(new Set(['forbidden']));
});

test('39: an API that is away for long is tried for ever within bounds; the book stays, and is true again after', async () => {
  await using tcp = await startProxy(world.address);
  const kubeconfig = world.through(`127.0.0.1:${tcp.port}`);
  await using bed = await InformerBed.start({
    kubeconfig,
    namespace: world.namespace,
    limits: { kubeRetryMs: 2_000 },
  });
  const doomed = await expectNews(bed);
  const known = bed.names;
  tcp.refuse();
  tcp.cut();
  await world.deletePod(doomed);
  await sleep(20_000);
  expect(bed.names).toEqual(known);
  expect(bed.hints).toEqual([]);
  expect(bed.informer.ageMs).toBeGreaterThan(10_000);
  // Twenty seconds with pauses of one second on average, after the first few.
  expect(bed.failures.length).toBeGreaterThan(5);
  expect(bed.failures.length).toBeLessThan(80);
  tcp.resume();
  await eventually(() => expect(bed.names).not.toContain(doomed), LONG);
  expect(bed.hints).toEqual([doomed]);
});
