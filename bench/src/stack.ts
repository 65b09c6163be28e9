/** The real services that the benchmarks measure, with limits that do not stand in the way. */

import { roomId, subjectsFor } from '@breakwater/bus';
import { type NatsServer, type StackOptions, startStack } from '@breakwater/testkit';
import { connect } from '@nats-io/transport-node';
import { PARTITIONS } from './load/room-feeder.ts';

export interface Process {
  readonly pid: number;
  readonly port: number;
}

export interface BenchStack extends AsyncDisposable {
  readonly nats: NatsServer;
  readonly edge: Process;
  /** Tokens of different users. */
  tokens(count: number): string[];
  createRoom(room: string): Promise<void>;
  /** Process id of the service with this name, e.g. `simulation-1`. */
  pidOf(instance: string): number;
}

const ROOMY_EDGE = {
  BREAKWATER_EDGE_MAX_CONNECTIONS: '20000',
  BREAKWATER_EDGE_MAX_CONNECTIONS_PER_ADDRESS: '20000',
  BREAKWATER_EDGE_ADMISSIONS_PER_SECOND: '100000',
  BREAKWATER_EDGE_ADMISSION_BURST: '100000',
  BREAKWATER_LOG_LEVEL: 'warn',
} as const;

export async function startBenchStack(size: Partial<StackOptions>): Promise<BenchStack> {
  const none = { edges: 0, chats: 0, simulations: 0, matchmakers: 0, web: false };
  const stack = await startStack({ ...none, ...size, env: { edge: ROOMY_EDGE, ...size.env } });
  return {
    nats: stack.nats,
    get edge() {
      const [edge] = stack.edges;
      return { pid: edge!.pid, port: Number(new URL(edge!.url).port) };
    },
    tokens: (count) => Array.from({ length: count }, (_, index) => stack.token(`user-${index}`)),
    pidOf: (instance) => stack.service(instance).pid,
    createRoom: (room) => createRoom(stack.nats.url, room),
    [Symbol.asyncDispose]: () => stack.stop(),
  };
}

async function createRoom(natsUrl: string, room: string): Promise<void> {
  const nats = await connect({ servers: natsUrl });
  const request = { user: 'bench', name: 'Bench', room: roomId(room) };
  const answer = await nats.request(subjectsFor(PARTITIONS).chat('create'), JSON.stringify(request));
  await nats.close();
  const { ok } = answer.json<{ ok: boolean }>();
  if (!ok) throw new Error(`the room could not be made: ${answer.string()}`);
}
