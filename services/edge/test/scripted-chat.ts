import {
  chatCreate,
  chatHistory,
  chatJoin,
  chatList,
  chatRoster,
  chatSend,
  QUEUES,
  type RoomId,
  roomId,
  roomMessageRecord,
  roomStream,
  roomStreamName,
  subjectsFor,
} from '@breakwater/bus';
import type { Message } from '@breakwater/protocol';
import { type NatsBus, ReplyError, type StoredMessage } from '@breakwater/service-kit';

const text = new TextDecoder();

/** Plays chat on a real bus: real logs with real feeds, and as little else as the edge needs. */
export class ScriptedChat {
  readonly #bus: NatsBus;
  readonly #partitions: number;
  readonly #subjects;
  #stamps = 0;
  /** Requests that came in, by verb. */
  readonly asked: Record<string, number> = {};
  /** Runs before a join is answered, after the log was read. */
  beforeJoinAnswer: (room: string) => Promise<void> = async () => undefined;
  /** Answers of the next sends are refused with this code. */
  refuseSends: string | undefined;
  /** The traces that came with sends. */
  readonly traces: (string | undefined)[] = [];
  roster = { count: 0, people: [] as { user: string; name: string }[], isComplete: true };

  constructor(bus: NatsBus, partitions: number) {
    this.#bus = bus;
    this.#partitions = partitions;
    this.#subjects = subjectsFor(partitions);
  }

  async start(): Promise<void> {
    await this.createStreams();
    const bus = this.#bus;
    const queue = QUEUES.chat;
    const count = (verb: string) => {
      this.asked[verb] = (this.asked[verb] ?? 0) + 1;
    };
    bus.handle(this.#subjects.chat('join'), { decode: chatJoin, queue }, async ({ room, at, limit }) => {
      count('join');
      const answer = await this.#join(roomId(room), at, limit);
      await this.beforeJoinAnswer(room);
      return answer;
    });
    bus.handle(
      this.#subjects.chat('send'),
      { decode: chatSend, queue },
      async ({ user, name, room, msg, text: body }, message) => {
        count('send');
        this.traces.push(message.trace);
        if (this.refuseSends !== undefined) throw new ReplyError(this.refuseSends, 'refused by the test');
        const stored = await this.say(room, body, { user, name, msg });
        return { ...stored, duplicate: false };
      },
    );
    bus.handle(this.#subjects.chat('history'), { decode: chatHistory, queue }, async ({ room }) => {
      count('history');
      return { messages: await this.messages(roomId(room)), more: false };
    });
    bus.handle(this.#subjects.chat('list'), { decode: chatList, queue }, () => {
      count('list');
      return { rooms: [this.#info('general')] };
    });
    bus.handle(this.#subjects.chat('create'), { decode: chatCreate, queue }, ({ room }) => ({
      info: this.#info(room),
    }));
    bus.handle(this.#subjects.chat('roster'), { decode: chatRoster, queue }, () => {
      count('roster');
      return { roster: this.roster, publisher: 'chat-test', n: 100 };
    });
  }

  async createStreams(): Promise<void> {
    const limits = {
      replicas: 1,
      maxBytes: 64 * 1_048_576,
      maxMessagesPerRoom: 10_000,
      maxAgeMs: 0,
      duplicateWindowMs: 120_000,
    };
    for (let partition = 0; partition < this.#partitions; partition++) {
      await this.#bus.ensureStream(roomStream(partition, limits));
    }
  }

  /** Stores a message. */
  async say(room: string, body: string, from: { user?: string; name?: string; msg?: string } = {}) {
    this.#stamps += 1;
    const time = Date.now();
    const msg = from.msg ?? `test-${time.toString(36).padStart(8, '0')}-${this.#stamps.toString(36)}`;
    const record = {
      kind: 'message',
      stamp: `s${this.#stamps}`,
      time,
      user: from.user ?? 'bob',
      name: from.name ?? 'Bob',
      msg,
      text: body,
    };
    const result = await this.#bus.commit(this.#subjects.roomLog(roomId(room)), record);
    if (result.kind !== 'stored') throw new Error(`not stored: ${JSON.stringify(result)}`);
    return { seq: result.seq, time };
  }

  /** Trims a room to its newest messages, as the stream's limits would. */
  async keepNewest(room: string, keep: number): Promise<void> {
    const stream = roomStreamName(roomId(room), this.#partitions);
    await this.#bus.purgeSubject(stream, this.#subjects.roomLog(roomId(room)), { keep });
  }

  /** Stores messages whose republication is lost, as a change of leader can do. */
  async sayUnheard(room: string, texts: readonly string[]): Promise<void> {
    const stream = roomStreamName(roomId(room), this.#partitions);
    const options = {
      decode: (value: unknown) => value as { config: object; error?: unknown },
      timeoutMs: 5_000,
    };
    const { config } = await this.#bus.request(`$JS.API.STREAM.INFO.${stream}`, '', options);
    const update = async (body: object) => {
      const answer = await this.#bus.request(`$JS.API.STREAM.UPDATE.${stream}`, body, options);
      if (answer.error !== undefined) throw new Error(JSON.stringify(answer.error));
    };
    await update({ ...config, republish: null });
    for (const text of texts) await this.say(room, text);
    await update(config);
  }

  /** Deletes the stream of a room's partition and makes it anew, empty. */
  async loseLog(room: string): Promise<void> {
    const stream = roomStreamName(roomId(room), this.#partitions);
    const raw = (value: unknown) => value as object;
    await this.#bus.request(`$JS.API.STREAM.DELETE.${stream}`, '', { decode: raw, timeoutMs: 5_000 });
    await this.createStreams();
  }

  async messages(room: RoomId, fromSeq = 1): Promise<Message[]> {
    const stream = roomStreamName(room, this.#partitions);
    const page = await this.#bus.readSubject(stream, this.#subjects.roomLog(room), {
      fromSeq,
      limit: 10_000,
      maxBytes: 16 * 1_048_576,
    });
    return page.messages.map((stored, index) =>
      messageOf(stored, page.messages[index - 1]?.seq ?? fromSeq - 1),
    );
  }

  async #join(room: RoomId, at: { epoch: string; seq: number; stamp: string } | undefined, limit: number) {
    const { created } = await this.#bus.streamState(roomStreamName(room, this.#partitions));
    const epoch = created.replace(/\D/g, '').slice(-20);
    const all = await this.messages(room);
    const last = all.at(-1);
    const recovered =
      at !== undefined &&
      at.epoch === epoch &&
      (at.seq === 0 || all.some((m) => m.seq === at.seq && m.stamp === at.stamp));
    const messages = recovered ? all.filter((m) => m.seq > at!.seq) : all.slice(-limit);
    return {
      info: this.#info(room),
      at: { epoch, seq: last?.seq ?? 0, stamp: last?.stamp ?? '' },
      recovered,
      messages,
      more: messages.length < all.length,
      roster: this.roster,
    };
  }

  #info(room: string) {
    return { room, title: room, kind: 'public' };
  }
}

function messageOf(stored: StoredMessage, prev: number): Message {
  const { kind: _kind, ...record } = roomMessageRecord(JSON.parse(text.decode(stored.data)));
  return { seq: stored.seq, prev: Math.max(0, prev), ...record };
}
