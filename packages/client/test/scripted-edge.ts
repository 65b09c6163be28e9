import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  CLOSE,
  type ClientFrame,
  type ClientFrameOf,
  decodeClientFrame,
  ERRORS,
  type ErrorCode,
  encodeServerFrame,
  type GameInfo,
  LIMITS,
  type Message,
  type ServerFrame,
  SUBPROTOCOL,
  TOKEN_SUBPROTOCOL_PREFIX,
} from '@breakwater/protocol';
import { type WebSocket, WebSocketServer } from 'ws';
import { Backend } from './backend.ts';
import { GameSeat } from './game-seat.ts';

/** One client's socket on a scripted edge. */
export class EdgeSocket {
  readonly ws: WebSocket;
  readonly user: string;
  readonly rooms = new Set<string>();
  readonly games = new Map<string, GameSeat>();
  readonly received: ClientFrame[] = [];
  readonly #backend: Backend;
  readonly #onFeed: (room: string, message: Message) => void;

  constructor(ws: WebSocket, user: string, backend: Backend) {
    this.ws = ws;
    this.user = user;
    this.#backend = backend;
    this.#onFeed = (room, message) => {
      if (this.rooms.has(room)) this.send({ t: 'room.message', room, ...message });
    };
    backend.feed.add(this.#onFeed);
    ws.on('close', () => this.gone());
  }

  send(frame: ServerFrame): void {
    this.ws.send(encodeServerFrame(frame));
  }

  gone(): void {
    this.#backend.feed.delete(this.#onFeed);
    for (const seat of this.games.values()) seat.gone();
  }

  count(type: ClientFrame['t']): number {
    return this.received.filter((frame) => frame.t === type).length;
  }
}

/** What a test may do before the edge does its part; true: the edge does nothing. */
export type Script = (frame: ClientFrame, socket: EdgeSocket) => boolean | undefined;

const ROSTER = { count: 1, people: [{ user: 'ann', name: 'Ann' }], isComplete: true };

/** An edge that follows the protocol and does what a test tells it, over real sockets. */
export class ScriptedEdge {
  readonly backend: Backend;
  readonly name: string;
  readonly sockets: EdgeSocket[] = [];
  /** Tokens that are taken, and whose they are. */
  readonly tokens = new Map([['good', 'ann']]);
  script: Script = () => undefined;
  /** Answer to a ticket request in place of a ticket. */
  refusal: { status: number; code: ErrorCode; retryAfterMs?: number } | undefined;
  ticketRequests = 0;
  tokenLifeMs = 3_600_000;
  pingMs = 5_000;
  maxFrameBytes: number = LIMITS.maxFrameBytes;
  rate: { framesPerSecond?: number; frameBurst?: number } = {};
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, handleProtocols: () => SUBPROTOCOL });
  #handles = 0;

  constructor(backend: Backend, name: string) {
    this.backend = backend;
    this.name = name;
    this.#server = createServer((request, response) => this.#http(request, response));
    this.#server.on('upgrade', (request, socket, head) => {
      const user = this.#userOf(request);
      if (user === undefined) return void socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
      this.#sockets.handleUpgrade(request, socket, head, (ws) => this.#welcome(ws, user));
    });
  }

  static async start(backend = new Backend(), name = 'edge-1'): Promise<ScriptedEdge> {
    const edge = new ScriptedEdge(backend, name);
    await new Promise<void>((resolve) => edge.#server.listen(0, '127.0.0.1', resolve));
    return edge;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the edge is not listening');
    return address.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The newest socket. */
  get socket(): EdgeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('nobody is connected');
    return socket;
  }

  get open(): EdgeSocket[] {
    return this.sockets.filter(({ ws }) => ws.readyState === ws.OPEN);
  }

  async stop(): Promise<void> {
    for (const { ws } of this.sockets) ws.terminate();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #http(request: IncomingMessage, response: ServerResponse): void {
    this.ticketRequests++;
    const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
    const refusal =
      this.refusal ?? (this.tokens.has(token) ? undefined : { status: 401, code: 'unauthorized' as const });
    if (refusal === undefined) {
      response.end(JSON.stringify({ ticket: `ticket-${token}` }));
      return;
    }
    const { status, code, retryAfterMs } = { retryAfterMs: undefined, ...refusal };
    response.writeHead(
      status,
      retryAfterMs === undefined ? {} : { 'retry-after': String(retryAfterMs / 1_000) },
    );
    response.end(JSON.stringify({ error: code, message: ERRORS[code].message, retryAfterMs }));
  }

  #userOf(request: IncomingMessage): string | undefined {
    const ticket = new URL(request.url ?? '', this.url).searchParams.get('ticket')?.replace('ticket-', '');
    const offered = request.headers['sec-websocket-protocol']?.split(/,\s*/) ?? [];
    const inProtocol = offered.find((name) => name.startsWith(TOKEN_SUBPROTOCOL_PREFIX));
    return this.tokens.get(ticket ?? inProtocol?.slice(TOKEN_SUBPROTOCOL_PREFIX.length) ?? '');
  }

  #welcome(ws: WebSocket, user: string): void {
    const socket = new EdgeSocket(ws, user, this.backend);
    this.sockets.push(socket);
    ws.on('message', (data) => this.#receive(socket, String(data)));
    socket.send({
      t: 'welcome',
      version: 1,
      session: `session-${this.sockets.length}`,
      user,
      name: 'Ann',
      edge: this.name,
      time: Date.now(),
      pingMs: this.pingMs,
      tokenExpiresAt: Date.now() + this.tokenLifeMs,
      limits: { maxFrameBytes: this.maxFrameBytes, maxTextBytes: LIMITS.maxTextBytes, ...this.rate },
    });
  }

  #receive(socket: EdgeSocket, text: string): void {
    const decoded = decodeClientFrame(text);
    if (!decoded.ok) throw new Error(`the SDK sent a bad frame: ${decoded.error.sentence}`);
    const frame = decoded.value;
    socket.received.push(frame);
    if (this.script(frame, socket) !== true) this.answer(socket, frame);
  }

  /** Does what an edge does with the frame. */
  answer(socket: EdgeSocket, frame: ClientFrame): void {
    const answer = this.#answerTo(socket, frame);
    if (answer !== undefined) socket.send(answer);
  }

  #answerTo(socket: EdgeSocket, frame: ClientFrame): ServerFrame | undefined {
    switch (frame.t) {
      case 'ping':
        return { t: 'pong', id: frame.id, time: Date.now() };
      case 'room.list':
        return {
          t: 'room.list',
          id: frame.id,
          rooms: [{ room: 'general', title: 'General', kind: 'public' }],
        };
      case 'room.join':
        this.#joinRoom(socket, frame);
        return undefined;
      case 'room.send':
        return this.#store(socket, frame);
      case 'room.history':
        return {
          t: 'room.page',
          id: frame.id,
          room: frame.room,
          ...this.#page(frame.room, frame.before, frame.limit),
        };
      case 'room.leave':
        socket.rooms.delete(frame.room);
        return { t: 'ok', id: frame.id };
      case 'game.quick':
      case 'game.create':
        return { t: 'game.created', id: frame.id, isNew: true, info: this.#gameInfo(`game-${frame.key}`) };
      case 'game.join':
        socket.games.get(frame.game)?.gone();
        socket.games.set(
          frame.game,
          new GameSeat(socket, this.backend.game(frame.game), frame, ++this.#handles),
        );
        return undefined;
      case 'game.command':
        socket.games.get(frame.game)?.command(frame.n, frame.name, frame.args);
        return undefined;
      case 'lobby.watch':
        return { t: 'lobby', id: frame.id, games: [this.#gameInfo('g1')], rooms: [], types: ['counting'] };
      case 'room.typing':
        return undefined;
      default:
        return { t: 'ok', id: frame.id };
    }
  }

  #store(socket: EdgeSocket, { id, room, msg, text }: ClientFrameOf<'room.send'>): ServerFrame {
    if (!socket.rooms.has(room)) return { t: 'error', id, code: 'not_joined', message: 'join first', room };
    const seq = this.backend.send(room, socket.user, msg, text);
    return { t: 'room.sent', id, room, msg, seq, time: Date.now() };
  }

  #gameInfo(game: string): GameInfo {
    return { game, type: 'counting', title: game, players: 0, maxPlayers: 100, epoch: 1, state: 'running' };
  }

  refuse(socket: EdgeSocket, id: number, code: ErrorCode, retryAfterMs?: number): void {
    const message = ERRORS[code].message;
    socket.send({ t: 'error', id, code, message, ...(retryAfterMs !== undefined && { retryAfterMs }) });
  }

  close(code: number = CLOSE.restart.code): void {
    for (const { ws } of this.open) ws.close(code);
  }

  #page(name: string, before = Number.POSITIVE_INFINITY, limit = 50): { messages: Message[]; more: boolean } {
    const older = this.backend.room(name).messages.filter((message) => message.seq < before);
    return { messages: older.slice(-limit), more: older.length > limit };
  }

  #joinRoom(socket: EdgeSocket, frame: ClientFrameOf<'room.join'>): void {
    const room = this.backend.room(frame.room);
    const last = room.messages.at(-1);
    const at = { epoch: room.epoch, seq: last?.seq ?? 0, stamp: last?.stamp ?? '' };
    const asked = frame.at;
    const isKnown =
      asked !== undefined &&
      asked.epoch === room.epoch &&
      (asked.seq === 0
        ? room.messages[0]?.prev === 0
        : room.messages.some((message) => message.seq === asked.seq));
    const page = isKnown
      ? { messages: room.messages.filter((message) => message.seq > asked.seq), more: false }
      : this.#page(frame.room, undefined, frame.limit);
    socket.rooms.add(frame.room);
    socket.send({
      t: 'room.joined',
      id: frame.id,
      room: frame.room,
      info: { room: frame.room, title: frame.room, kind: 'public' },
      at,
      recovered: isKnown,
      ...page,
      roster: ROSTER,
    });
  }
}
