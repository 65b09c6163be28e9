import { eventually } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { type Client, connect } from '../src/index.ts';
import { type EdgeSocket, ScriptedEdge } from './scripted-edge.ts';

const quick = { reconnect: { firstDelayMs: 20 }, token: () => 'good' };

/** An edge with a ledger: everybody's total, told to those who watch. */
function withTotals(edge: ScriptedEdge, totals: Map<string, number>): (socket: EdgeSocket) => void {
  edge.script = (frame, socket) => {
    if (frame.t === 'people.xp') {
      socket.send({ t: 'people.xp', id: frame.id, user: frame.user, total: totals.get(frame.user) ?? 0 });
    } else if (frame.t === 'people.watch') {
      socket.send({ t: 'people.xp', id: frame.id, user: socket.user, total: totals.get(socket.user) ?? 0 });
    } else return false;
    return true;
  };
  return (socket) => socket.send({ t: 'people.xp', user: socket.user, total: totals.get(socket.user) ?? 0 });
}

function heardBy(client: Client): number[] {
  const heard: number[] = [];
  client.people.on('xp', ({ total }) => heard.push(total));
  return heard;
}

test("anyone's total can be asked for, and one's own without a name", async () => {
  await using edge = await ScriptedEdge.start();
  withTotals(
    edge,
    new Map([
      ['ann', 7],
      ['bob', 12],
    ]),
  );
  await using client = await connect({ urls: [edge.url], ...quick });
  expect(await client.people.xp()).toBe(7);
  expect(await client.people.xp('bob')).toBe(12);
  expect(await client.people.xp('nobody')).toBe(0);
  expect(client.people.total).toBeUndefined();
  expect(edge.socket.count('people.watch')).toBe(0);
});

test('own total is followed while it rises, and what comes late is left out', async () => {
  await using edge = await ScriptedEdge.start();
  const totals = new Map([['ann', 7]]);
  const tell = withTotals(edge, totals);
  await using client = await connect({ urls: [edge.url], ...quick });
  const heard = heardBy(client);
  const again = heardBy(client);
  for (const total of [9, 8, 9, 15]) {
    await eventually(() => client.people.total !== undefined);
    totals.set('ann', total);
    tell(edge.socket);
  }
  await eventually(() => expect(heard).toEqual([7, 9, 15]));
  expect(again).toEqual(heard);
  expect(client.people.total).toBe(15);
  expect(edge.socket.count('people.watch')).toBe(1);
});

test('what was earned while the connection was down is known on the next one', async () => {
  await using edge = await ScriptedEdge.start();
  const totals = new Map([['ann', 7]]);
  withTotals(edge, totals);
  await using client = await connect({ urls: [edge.url], ...quick });
  const heard = heardBy(client);
  await eventually(() => heard.length === 1);
  totals.set('ann', 30);
  edge.close();
  await eventually(() => expect(heard).toEqual([7, 30]));
});

test('an edge that cannot read the ledger now is asked again', async () => {
  await using edge = await ScriptedEdge.start();
  const totals = new Map([['ann', 7]]);
  withTotals(edge, totals);
  const { script } = edge;
  let refusals = 2;
  edge.script = (frame, socket) => {
    if (frame.t !== 'people.watch' || refusals-- <= 0) return script(frame, socket);
    edge.refuse(socket, frame.id, 'unavailable');
    return true;
  };
  await using client = await connect({ urls: [edge.url], ...quick });
  const heard = heardBy(client);
  await eventually(() => expect(heard).toEqual([7]));
});
