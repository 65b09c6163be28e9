import {
  type ChatVerb,
  chatCreated,
  chatJoined,
  chatPage,
  chatRooms,
  chatRosterReply,
  chatSent,
  reply,
  roomId,
  roomStreamName,
  subjectsFor,
} from '@breakwater/bus';
import { type Decoder, formatMessageId } from '@breakwater/protocol';
import {
  BusError,
  connectBus,
  createLogOutput,
  kitMetrics,
  MetricRegistry,
  type NatsBus,
  type RunningService,
  startService,
} from '@breakwater/service-kit';
import { type NatsServer, type ServiceProcess, spawnService, startNats } from '@breakwater/testkit';
import { app } from '../src/app.ts';
import { schema } from '../src/config.ts';

export const PARTITIONS = 2;
export const subjects = subjectsFor(PARTITIONS);

export type ChatEnv = Readonly<Record<string, string>>;

/** A quiet log: what fails shows in the answers. */
const quiet = createLogOutput({ service: 'chat', instance: 'test', level: 'silent' });

export function chatEnv(nats: Pick<NatsServer, 'url'>, env: ChatEnv = {}): Record<string, string> {
  return {
    BREAKWATER_NATS_URL: nats.url,
    BREAKWATER_HTTP_HOST: '127.0.0.1',
    BREAKWATER_HTTP_PORT: '0',
    BREAKWATER_PARTITIONS: String(PARTITIONS),
    BREAKWATER_CHAT_SENDS_PER_SECOND: '100000',
    BREAKWATER_CHAT_SEND_BURST: '100000',
    ...env,
  };
}

/** A replica of chat inside this process. */
export function startChat(nats: Pick<NatsServer, 'url'>, env: ChatEnv = {}): Promise<RunningService> {
  return startService({
    name: 'chat',
    schema,
    readyWithoutNats: true,
    app,
    env: chatEnv(nats, env),
    output: quiet,
  });
}

/** A replica of chat as a process of its own, to be killed. */
export function spawnChat(nats: Pick<NatsServer, 'url'>, env: ChatEnv = {}): Promise<ServiceProcess> {
  return spawnService('chat', { env: chatEnv(nats, env) });
}

export function connectTo(nats: Pick<NatsServer, 'url'>): Promise<NatsBus> {
  const metrics = new MetricRegistry().register(kitMetrics);
  return connectBus({ servers: nats.url.split(','), name: 'test', log: quiet.log, metrics });
}

let counter = 0;

/** A new message id, made at `timeMs`. */
export function newId(timeMs: number = Date.now()): string {
  counter += 1;
  return formatMessageId('test', Math.round(timeMs), counter);
}

/** Asks chat as an edge does. */
export class Caller {
  readonly nats: NatsBus;
  readonly user: string;
  timeoutMs = 10_000;

  constructor(nats: NatsBus, user = 'ann') {
    this.nats = nats;
    this.user = user;
  }

  send = (room: string, msg: string, text: string, extra: object = {}) =>
    this.#ask('send', { room, msg, text, ...extra }, chatSent);
  join = (room: string, extra: object = {}) => this.#ask('join', { room, limit: 50, ...extra }, chatJoined);
  history = (room: string, extra: object = {}) =>
    this.#ask('history', { room, limit: 50, ...extra }, chatPage);
  list = () => this.#ask('list', {}, chatRooms);
  create = (room: string, extra: object = {}) => this.#ask('create', { room, ...extra }, chatCreated);
  roster = (room: string) => this.#ask('roster', { room }, chatRosterReply);

  #ask<T extends object>(verb: ChatVerb, body: object, decoder: Decoder<T>) {
    const caller = { user: this.user, name: this.user };
    const options = { decode: reply(decoder), timeoutMs: this.timeoutMs };
    return this.nats.request(subjects.chat(verb), { ...caller, ...body }, options);
  }
}

/** The code with which a request is refused; `ok` when it is not. */
export async function codeOf(request: Promise<unknown>): Promise<string> {
  try {
    await request;
    return 'ok';
  } catch (error) {
    if (!(error instanceof BusError)) throw error;
    return error.remote?.code ?? error.code;
  }
}

/** A nats-server, a connection and a caller; the replicas are started by the test. */
export async function startWorld(options: Parameters<typeof startNats>[0] = {}) {
  const nats = await startNats(options);
  const bus = await connectTo(nats);
  return {
    nats,
    bus,
    ann: new Caller(bus, 'ann'),
    bob: new Caller(bus, 'bob'),
    async [Symbol.asyncDispose]() {
      await bus.drain();
      await nats.stop();
    },
  };
}

/** Name of the stream that holds a room. */
export function streamOf(room: string): string {
  return roomStreamName(roomId(room), PARTITIONS);
}

/** What a room's log really holds, read past chat. */
export async function readLog(bus: NatsBus, room: string): Promise<{ seq: number; text: string }[]> {
  const range = { fromSeq: 1, limit: 1_000_000, maxBytes: 1_000_000_000 };
  const page = await bus.readSubject(streamOf(room), subjects.roomLog(roomId(room)), range);
  return page.messages.map(({ seq, data }) => {
    const { text } = JSON.parse(Buffer.from(data).toString()) as { text: string };
    return { seq, text };
  });
}
