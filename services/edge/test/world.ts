import { Writable } from 'node:stream';
import { subjectsFor } from '@breakwater/bus';
import {
  connectBus,
  createLogOutput,
  kitMetrics,
  MetricRegistry,
  type NatsBus,
  type RunningService,
  startService,
} from '@breakwater/service-kit';
import { type NatsServer, startNats } from '@breakwater/testkit';
import { SignJWT } from 'jose';
import { service } from '../src/app.ts';
import { type OpenOptions, open, type TestClient } from './client.ts';
import { ScriptedChat } from './scripted-chat.ts';

export const SECRET = 'a-secret-for-tests-that-is-long-enough-0123';
export const PARTITIONS = 2;

export interface TokenOptions {
  readonly user?: string;
  readonly name?: string;
  readonly audience?: string;
  readonly expiresInS?: number;
  readonly secret?: string;
  readonly claims?: Record<string, unknown>;
}

export function tokenFor(options: TokenOptions = {}): Promise<string> {
  const { user = 'ann', name = 'Ann', audience = 'breakwater', expiresInS = 600, secret = SECRET } = options;
  return new SignJWT({ name, ...options.claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setAudience(audience)
    .setExpirationTime(Math.floor(Date.now() / 1_000) + expiresInS)
    .sign(Buffer.from(secret));
}

/** Another process on the same NATS. */
export async function connectPeer(url: string): Promise<NatsBus> {
  const output = createLogOutput({ service: 'peer', instance: 'peer', level: 'silent' });
  const metrics = new MetricRegistry().register(kitMetrics);
  return connectBus({ servers: url.split(','), name: 'peer', log: output.log, metrics });
}

export interface EdgeOptions {
  /** NATS as the edge sees it, default the real address. */
  readonly natsUrl?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly onLog?: (line: string) => void;
}

/** One edge inside this process. */
export class TestEdge implements AsyncDisposable {
  readonly running: RunningService;
  readonly port: number;

  constructor(running: RunningService) {
    this.running = running;
    this.port = Number(running.announced.port);
  }

  async open(user = 'ann', options: OpenOptions = {}): Promise<TestClient> {
    return open(this.port, { token: await tokenFor({ user, name: user }), ...options });
  }

  async metrics(): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.running.httpPort}/metrics`);
    return response.text();
  }

  /** Value of a metric, all label sets together unless `labels` (a piece of the line) narrows them. */
  async metric(name: string, labels = ''): Promise<number> {
    const lines = (await this.metrics()).split('\n');
    const found = lines.filter((line) => new RegExp(`^${name}(\\{|\\s)`).test(line) && line.includes(labels));
    return found.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.running.shutdown({ drain: false });
  }
}

function logStream(onLog: (line: string) => void): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      onLog(chunk.toString());
      done();
    },
  });
}

/** A real nats-server, a peer that plays chat, and as many edges as a test wants. */
export class World implements AsyncDisposable {
  readonly nats: NatsServer;
  readonly bus: NatsBus;
  readonly chat: ScriptedChat;
  readonly subjects = subjectsFor(PARTITIONS);
  readonly #edges: TestEdge[] = [];

  private constructor(nats: NatsServer, bus: NatsBus, chat: ScriptedChat) {
    this.nats = nats;
    this.bus = bus;
    this.chat = chat;
  }

  static async start(): Promise<World> {
    const nats = await startNats();
    const bus = await connectPeer(nats.url);
    const chat = new ScriptedChat(bus, PARTITIONS);
    await chat.start();
    return new World(nats, bus, chat);
  }

  async startEdge(options: EdgeOptions = {}): Promise<TestEdge> {
    const { onLog } = options;
    const output = createLogOutput({
      service: 'edge',
      instance: 'edge-test',
      level: 'info',
      stream: logStream(onLog ?? (() => undefined)),
    });
    const env = {
      BREAKWATER_NATS_URL: options.natsUrl ?? this.nats.url,
      BREAKWATER_PARTITIONS: String(PARTITIONS),
      BREAKWATER_HTTP_PORT: '0',
      BREAKWATER_HTTP_HOST: '127.0.0.1',
      BREAKWATER_EDGE_PORT: '0',
      BREAKWATER_EDGE_HOST: '127.0.0.1',
      BREAKWATER_EDGE_JWT_SECRET: SECRET,
      BREAKWATER_EDGE_ORIGINS: 'https://app.example.com',
      ...options.env,
    };
    const edge = new TestEdge(await startService({ ...service, env, output }));
    this.#edges.push(edge);
    return edge;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#edges.map((edge) => edge[Symbol.asyncDispose]()));
    await this.bus.drain();
    await this.nats.stop();
  }
}
