/** One room, many sockets: what a delivery costs the servers, on the edge's real path and in two peers. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark, BenchmarkResult } from './benchmark.ts';
import { measureCpu } from './cpu.ts';
import { Clients } from './load/clients.ts';
import { type RoomFeeder, roomSubjects, startFeeder } from './load/room-feeder.ts';
import { startPeer } from './peers/peer.ts';
import { type BenchStack, startBenchStack } from './stack.ts';
import { median, rounded } from './statistics.ts';

const SOCKETS = 500;
const ROOM = 'bench';
const ROUNDS = 3;
const MESSAGES = { bursts: 600, single: 400 } as const;
const SHAPES = {
  bursts: { size: 10, pauseMs: 100 },
  single: { size: 1, pauseMs: 10 },
} as const;
type Shape = keyof typeof SHAPES;
const CONTENDERS = ['breakwater', 'ws', 'socketIo'] as const;
type Contender = (typeof CONTENDERS)[number];
const NAMES = { breakwater: 'Breakwater edge', ws: '`ws` loop', socketIo: 'Socket.IO' } as const;

/** CPU microseconds of a delivery. */
interface Cost {
  readonly server: number;
  readonly nats: number;
}

/** A server with its clients connected. */
interface Arena extends AsyncDisposable {
  readonly pid: number;
  readonly clients: Clients;
  /** Frames each client has counted so far. */
  delivered: number;
}

export const fanout: Benchmark = {
  name: 'fanout',
  summary: `${SOCKETS} sockets in one room, 128 B of text: CPU of all server processes for one delivery.`,
  goal: 'at least 5 times less than the `ws` loop and 8 times less than Socket.IO in bursts of 10; 1.5 times less than Socket.IO one at a time',
  async run(log) {
    await using stack = await startBenchStack({ edges: 1, chats: 1 });
    await stack.createRoom(ROOM);
    const feeder = await startFeeder(stack.nats.url, ROOM);
    const costs = new Map<string, Cost[]>();
    for (let round = 1; round <= ROUNDS; round++) {
      for (const contender of CONTENDERS) {
        await using arena = await openArena(contender, stack);
        for (const shape of ['bursts', 'single'] as const) {
          const cost = await measure(arena, feeder, stack, shape);
          costs.set(`${contender} ${shape}`, [...(costs.get(`${contender} ${shape}`) ?? []), cost]);
          log(
            `round ${round}, ${NAMES[contender]}, ${shape}: ${(cost.server + cost.nats).toFixed(2)} µs a delivery`,
          );
        }
      }
    }
    await feeder[Symbol.asyncDispose]();
    return result(costs);
  },
};

async function openArena(contender: Contender, stack: BenchStack): Promise<Arena> {
  const clients = new Clients();
  try {
    if (contender === 'breakwater') {
      const edge = stack.edge;
      await clients.open({
        headers: stack
          .tokens(SOCKETS)
          .map((token) => ({ Authorization: `Bearer ${token}`, 'Sec-WebSocket-Protocol': 'breakwater.v1' })),
        common: {
          host: '127.0.0.1',
          port: edge.port,
          path: '/v1/ws',
          prefix: '{"t":"room.message"',
          greeting: [JSON.stringify({ t: 'room.join', id: 1, room: ROOM, limit: 1 })],
        },
      });
      return arenaOf(edge.pid, clients, () => Promise.resolve());
    }
    const peer = await startPeer(
      contender === 'ws' ? 'ws-loop' : 'socket-io',
      stack.nats.url,
      roomSubjects(ROOM).feed,
    );
    const isSocketIo = contender === 'socketIo';
    await clients.open({
      headers: Array.from({ length: SOCKETS }, () => ({})),
      common: {
        host: '127.0.0.1',
        port: peer.port,
        path: isSocketIo ? '/socket.io/?EIO=4&transport=websocket' : '/',
        prefix: isSocketIo ? '42' : '{"t":"room.message"',
        ...(isSocketIo ? { greeting: ['40'], answers: { '2': '3' } } : {}),
      },
    });
    return arenaOf(peer.pid, clients, async () => peer[Symbol.asyncDispose]());
  } catch (error) {
    await clients[Symbol.asyncDispose]();
    throw error;
  }
}

function arenaOf(pid: number, clients: Clients, stopServer: () => Promise<void>): Arena {
  return {
    pid,
    clients,
    delivered: 0,
    [Symbol.asyncDispose]: async () => {
      await clients[Symbol.asyncDispose]();
      await stopServer();
    },
  };
}

/** Warms up with a tenth of the messages, then counts the CPU until every client has every message. */
async function measure(arena: Arena, feeder: RoomFeeder, stack: BenchStack, shape: Shape): Promise<Cost> {
  await sleep(1_500);
  await feed(arena, feeder, shape, MESSAGES[shape] / 10);
  const cpu = measureCpu({ server: arena.pid, nats: stack.nats.pid });
  await feed(arena, feeder, shape, MESSAGES[shape]);
  const used = cpu();
  const deliveries = MESSAGES[shape] * SOCKETS;
  return { server: (used.server * 1e6) / deliveries, nats: (used.nats * 1e6) / deliveries };
}

async function feed(arena: Arena, feeder: RoomFeeder, shape: Shape, count: number): Promise<void> {
  await feeder.publish({ count, ...SHAPES[shape] });
  arena.delivered += count;
  await arena.clients.waitForEach(arena.delivered);
}

function result(costs: ReadonlyMap<string, readonly Cost[]>): BenchmarkResult {
  const of = (contender: Contender, shape: Shape, part: (cost: Cost) => number) =>
    median(costs.get(`${contender} ${shape}`)!.map(part));
  const all = (contender: Contender, shape: Shape) => of(contender, shape, (cost) => cost.server + cost.nats);
  const rows = CONTENDERS.flatMap((contender) =>
    (['bursts', 'single'] as const).map((shape) => ({
      name: `${NAMES[contender]}, ${shape === 'bursts' ? 'bursts of 10' : 'one at a time'}`,
      cells: {
        'server µs': of(contender, shape, (cost) => cost.server).toFixed(2),
        'NATS µs': of(contender, shape, (cost) => cost.nats).toFixed(2),
        'all µs': all(contender, shape).toFixed(2),
      },
    })),
  );
  return {
    keys: {
      vsWs: rounded(all('ws', 'bursts') / all('breakwater', 'bursts')),
      vsSocketIo: rounded(all('socketIo', 'bursts') / all('breakwater', 'bursts')),
      singleVsSocketIo: rounded(all('socketIo', 'single') / all('breakwater', 'single')),
      singleVsWs: rounded(all('ws', 'single') / all('breakwater', 'single')),
      microsPerDelivery: rounded(all('breakwater', 'bursts')),
    },
    rows,
    chart: {
      title: 'CPU of one delivery, bursts of 10',
      unit: 'µs',
      bars: CONTENDERS.map((contender) => ({
        label: NAMES[contender].replaceAll('`', ''),
        value: all(contender, 'bursts'),
      })),
    },
  };
}
