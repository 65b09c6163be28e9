import { setTimeout as sleep } from 'node:timers/promises';
import { eventually as becomes } from '@breakwater/testkit';
import { afterAll, expect, test } from 'vitest';
import { connectKubernetes } from '../../src/adapters/kube/connect.ts';
import { LineSplitter } from '../../src/adapters/kube/line-splitter.ts';
import { InformerBed, type InformerBedOptions } from './informer-bed.ts';
import { KubeFiles } from './kube-files.ts';
import { PodServer, podObject } from './pod-server.ts';

const files = new KubeFiles();
afterAll(() => files[Symbol.dispose]());

/** Long enough for a machine that has other things to do. */
const eventually = (check: () => unknown) => becomes(check, { timeoutMs: 25_000 });

type Limits = InformerBedOptions['limits'];

/** A server and an informer that watches it and knows one pod. */
async function watched(limits: Limits = {}, onChange: () => void = () => undefined) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await PodServer.start());
  server.pods = [podObject('a', 5)];
  const options = { kubeconfig: files.plain(server.url), namespace: 'play', limits, onChange };
  const bed = stack.use(await InformerBed.start(options));
  await eventually(() => server.watches === 1 && bed.names.length === 1);
  return { server, bed, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test('a stream is cut into lines wherever its pieces end, also within a character', () => {
  const bytes = new TextEncoder().encode('{"a":"é"}\n\n{"b":"漢字"}\n{"c"');
  const splitter = new LineSplitter(100);
  const lines = [...bytes].flatMap((byte) => splitter.push(Uint8Array.of(byte)));
  expect(lines).toEqual(['{"a":"é"}', '{"b":"漢字"}']);
  expect(() => splitter.push(new Uint8Array(200).fill(65))).toThrow('more than 100 bytes');
});

test('39: events come through in pieces of any size, and what was deleted is a hint', async () => {
  await using world = await watched();
  const { server, bed } = world;
  const text = `${JSON.stringify({ type: 'ADDED', object: podObject('bé', 11) })}\n`;
  for (const byte of Buffer.from(text)) server.send(Uint8Array.of(byte));
  await eventually(() => bed.names.includes('bé'));
  server.event('DELETED', podObject('a', 12));
  await eventually(() => expect(bed.hints).toEqual(['a']));
  expect(bed.failures).toEqual([]);
});

test('39: after a reset the watch goes on from the last version, without a list', async () => {
  await using world = await watched();
  const { server, bed } = world;
  server.event('BOOKMARK', { metadata: { resourceVersion: '20' } });
  server.event('ADDED', podObject('b', 21));
  await eventually(() => bed.names.length === 2);
  server.reset();
  await eventually(() => expect(server.watchedFrom).toEqual(['10', '21']));
  expect(bed.failures).toEqual(['dropped']);
  expect(server.lists).toBe(1);
  expect(bed.names).toEqual(['a', 'b']);
});

test('39: a watch that is silent although it is open is given up', async () => {
  await using world = await watched({ watchIdleMs: 300 });
  const { server, bed } = world;
  await eventually(() => server.watchedFrom.length >= 3);
  expect(bed.count('silent')).toBeGreaterThanOrEqual(2);
  await eventually(() => server.watches <= 1);
  expect(bed.names).toEqual(['a']);
});

test('39: a server that ends every watch at once is not asked in circles', async () => {
  await using world = await watched({ kubeRetryMs: 30_000 });
  const { server, bed } = world;
  server.fault = (isWatch) => (isWatch ? 'end' : undefined);
  server.end();
  await eventually(() => server.watchedFrom.length >= 3);
  const asked = server.watchedFrom.length;
  await sleep(1_500);
  expect(server.watchedFrom.length - asked).toBeLessThan(6);
  expect(bed.failures).toEqual([]);
});

test('39: a version that is too old is followed by a list, whether the answer says so or the watch', async () => {
  await using world = await watched();
  const { server, bed } = world;
  server.pods = [podObject('a', 5), podObject('b', 30)];
  server.version = 30;
  server.event('ERROR', { code: 410, message: 'too old resource version' });
  await eventually(() => expect(bed.names).toEqual(['a', 'b']));
  await eventually(() => server.watches === 1);
  let answers = 0;
  server.fault = (isWatch) =>
    isWatch && answers++ === 0 ? { status: 410, body: { message: 'expired' } } : undefined;
  server.reset();
  await eventually(() => server.lists === 3);
  expect(bed.count('expired')).toBe(2);
});

test('39: what is not understood is followed by a list', async () => {
  await using world = await watched();
  const { server, bed } = world;
  server.send('{"type":"ADDED","obj\n');
  await eventually(() => server.lists === 2 && server.watches === 1);
  expect(bed.failures).toEqual(['malformed']);
});

test('39: a callback that throws ends nothing', async () => {
  let isBad = false;
  await using world = await watched({}, () => {
    if (isBad) throw new Error('not mine');
  });
  const { server, bed } = world;
  isBad = true;
  server.event('ADDED', podObject('b', 11));
  await eventually(() => bed.count('listener') === 1);
  isBad = false;
  server.event('ADDED', podObject('c', 12));
  await eventually(() => expect(bed.names).toEqual(['a', 'b', 'c']));
  expect(server.watchedFrom).toHaveLength(1);
});

test('39: an API that fails and then is away is tried for ever with pauses; what is known stays', async () => {
  await using world = await watched({ kubeRetryMs: 600, relistMs: 500 });
  const { server, bed } = world;
  server.fault = () => ({ status: 500, body: { message: 'etcd is away' } });
  server.reset();
  await eventually(() => bed.count('server') >= 4);
  const before = bed.failures.length;
  await sleep(1_000);
  expect(bed.failures.length - before).toBeLessThan(30);
  expect(bed.names).toEqual(['a']);
  expect(bed.warnings.filter((text) => text.includes('cannot be watched'))).toHaveLength(2);
  server.fault = undefined;
  await eventually(() => server.watches === 1);
  expect(bed.informer.ageMs).toBeLessThan(5_000);
});

test('39: a stop does not wait for an API that says nothing', async () => {
  await using server = await PodServer.start();
  server.fault = () => 'silent';
  const options = { kubernetes: 'on', namespace: 'play', kubeTimeoutMs: 60_000 } as const;
  const connection = await connectKubernetes({ ...options, kubeconfig: files.plain(server.url) });
  const answers = [connection?.api.get('/api/v1/pods'), connection?.api.patch('/api/v1/pods/a', {})];
  await eventually(() => server.lists === 2);
  connection?.api.close();
  for (const answer of answers) await expect(answer).rejects.toMatchObject({ failure: 'dropped' });
});

test('39: what is forbidden is said once and tried rarely', async () => {
  await using server = await PodServer.start();
  server.fault = () => ({ status: 403, body: { message: 'pods is forbidden' } });
  const limits = { kubeForbiddenRetryMs: 400 };
  await using bed = await InformerBed.start({
    kubeconfig: files.plain(server.url),
    namespace: 'play',
    limits,
  });
  await eventually(() => bed.count('forbidden') >= 3);
  expect(bed.warnings).toHaveLength(1);
  server.fault = undefined;
  server.pods = [podObject('a', 5)];
  await eventually(() => expect(bed.names).toEqual(['a']));
});
