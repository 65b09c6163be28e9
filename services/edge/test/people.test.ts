import { encodeLedgerRecord, ledgerStream, ledgerStreamName, userId } from '@breakwater/bus';
import { eventually, startProxy } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PARTITIONS, type TestEdge, World } from './world.ts';

let world: World;
let edge: TestEdge;

beforeAll(async () => {
  world = await World.start();
  edge = await world.startEdge();
});
afterAll(() => world?.[Symbol.asyncDispose]());

async function makeStreams(): Promise<void> {
  const limits = { replicas: 1, maxBytes: 1_048_576, maxRecordsPerUser: 4 };
  for (let partition = 0; partition < PARTITIONS; partition++)
    await world.bus.ensureStream(ledgerStream(partition, limits));
}

/** Stores a new total; tells of it too, unless it is to be as if the notice was lost. */
async function award(user: string, total: number, isTold = true): Promise<void> {
  const id = userId(user);
  const tail = await world.bus.lastMessage(ledgerStreamName(id, PARTITIONS), world.subjects.ledger(id));
  const record = encodeLedgerRecord({
    total,
    game: 'g1',
    awards: [{ epoch: 1, n: total, index: 0, amount: 1 }],
    covered: [{ game: 'g1', epoch: 1, n: total, index: 0 }],
  });
  const options = { expectedLastSubjectSeq: tail?.seq ?? 0, timeoutMs: 5_000 };
  expect(await world.bus.commit(world.subjects.ledger(id), record, options)).toMatchObject({
    kind: 'stored',
  });
  if (isTold) notify(user, total);
}

function notify(user: string, total: number): void {
  const notice = { kind: 'xp', total, game: 'g1', amount: 1 };
  world.bus.publish(world.subjects.userInbox(userId(user)), notice);
}

describe('totals of XP', () => {
  it('are unavailable before there are ledgers, and can be asked for again', async () => {
    await using ann = await edge.open('ann');
    for (const t of ['people.watch', 'people.xp'])
      expect(await ann.ask({ t, ...(t === 'people.xp' && { user: 'ann' }) })).toMatchObject({
        t: 'error',
        code: 'unavailable',
      });
    await makeStreams();
    expect(await ann.request('people.xp', { t: 'people.watch' })).toMatchObject({ user: 'ann', total: 0 });
  });

  it('of anyone are what the newest record of the ledger says', async () => {
    await award('bob', 5);
    await award('bob', 12);
    await using ann = await edge.open('ann');
    expect(await ann.request('people.xp', { t: 'people.xp', user: 'bob' })).toMatchObject({
      user: 'bob',
      total: 12,
    });
    expect(await ann.request('people.xp', { t: 'people.xp', user: 'nobody' })).toMatchObject({ total: 0 });
    expect(await ann.ask({ t: 'people.xp', user: 'a.b' })).toMatchObject({ code: 'bad_request' });
    expect(ann.of('people.xp')).toHaveLength(2);
  });

  it('reach every socket of the user that watches, and nobody else', async () => {
    await using one = await edge.open('cyd');
    await using two = await edge.open('cyd');
    await using idle = await edge.open('cyd');
    await using other = await edge.open('dan');
    for (const client of [one, two, other]) await client.request('people.xp', { t: 'people.watch' });
    await award('cyd', 3);
    for (const client of [one, two])
      await eventually(() => client.of('people.xp').some(({ total, id }) => total === 3 && id === undefined));
    await idle.ask({ t: 'ping' });
    expect(idle.of('people.xp')).toEqual([]);
    expect(other.of('people.xp')).toHaveLength(1);
  });

  it('that come late or twice are not told again', async () => {
    await using eve = await edge.open('eve');
    await eve.request('people.xp', { t: 'people.watch' });
    for (const total of [5, 3, 5, 8]) notify('eve', total);
    await eventually(() => eve.of('people.xp').some(({ total }) => total === 8));
    expect(eve.of('people.xp').map(({ total }) => total)).toEqual([0, 5, 8]);
  });

  it('are read anew for who watches after the last socket of the user went', async () => {
    const fay = await edge.open('fay');
    await fay.request('people.xp', { t: 'people.watch' });
    await fay[Symbol.asyncDispose]();
    await using again = await edge.open('fay');
    await award('fay', 9, false);
    expect(await again.request('people.xp', { t: 'people.watch' })).toMatchObject({ total: 9 });
  });

  it('that were lost while NATS was away are read again', async () => {
    await using gus = await edge.open('gus');
    await gus.request('people.xp', { t: 'people.watch' });
    await world.nats.restart();
    await eventually(() => world.bus.isConnected);
    await eventually(async () => {
      await award('gus', 21, false);
      return true;
    });
    await world.nats.restart();
    await eventually(() => gus.of('people.xp').some(({ total }) => total === 21));
  });

  it('that cannot be read right after NATS is back are read when they can be', async () => {
    await eventually(() => world.bus.isConnected);
    await using proxy = await startProxy(world.nats.url);
    const far = await world.startEdge({ natsUrl: proxy.url });
    await using hal = await far.open('hal');
    await hal.request('people.xp', { t: 'people.watch' });
    const id = userId('hal');
    const raw = (value: unknown) => value;
    const drop = `$JS.API.STREAM.DELETE.${ledgerStreamName(id, PARTITIONS)}`;
    await world.bus.request(drop, '', { decode: raw, timeoutMs: 5_000 });
    const asked: string[] = [];
    const api = world.bus.subscribe(
      `$JS.API.STREAM.MSG.GET.${ledgerStreamName(id, PARTITIONS)}`,
      {},
      (message) => {
        asked.push(message.subject);
      },
    );

    proxy.cut();

    await eventually(() => expect(asked.length).toBeGreaterThan(1));
    api.unsubscribe();
    await makeStreams();
    await award('hal', 7, false);
    await eventually(() => hal.of('people.xp').some(({ total }) => total === 7), { timeoutMs: 30_000 });
  });
});
