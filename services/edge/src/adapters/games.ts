import {
  type GameId,
  type GameInput,
  gameId,
  type MatchVerb,
  matchedGame,
  matchGames,
  type StateReply,
} from '@breakwater/bus';
import {
  type ClientFrameOf,
  type Decoder,
  encodeServerFrame,
  LIMITS,
  ProtocolError,
} from '@breakwater/protocol';
import type { TraceParent } from '@breakwater/service-kit';
import { textFrame } from '../fanout/frame.ts';
import { askMatchmaker } from './ask-matchmaker.ts';
import { askOwner } from './ask-owner.ts';
import { Book } from './book.ts';
import type { Connection } from './connection.ts';
import type { FrameHandlers } from './control.ts';
import type { EdgeDeps } from './deps.ts';
import { Drops } from './drops.ts';
import { isNobodyThere } from './errors.ts';
import { Game, type GameListener } from './game.ts';
import { positionOf } from './game-feed.ts';
import { GameMember } from './game-member.ts';
import { pause } from './log-reader.ts';

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 1_000;

type GameFrames = 'game.list' | 'game.create' | 'game.quick' | 'game.join' | 'game.leave' | 'game.command';

/** The games that are followed here, and what clients ask about games. */
export class Games implements GameListener {
  readonly #deps: EdgeDeps;
  readonly #games: Book<Game>;
  readonly #drops: Drops;
  #lastHandle = 0;

  constructor(deps: EdgeDeps) {
    this.#deps = deps;
    this.#drops = new Drops(deps.clock, {
      tell: (game, input) => this.#tell(game, input, undefined),
      // Of a game that is not followed any more nobody would hear of another owner.
      isOwnedAt: (id, epoch) => {
        const game = this.#games.get(id);
        return game?.isVolatile === true && game.epoch <= epoch;
      },
    });
    this.#games = new Book(deps, (id) => {
      this.#lastHandle += 1;
      return new Game(deps, id, this.#lastHandle, this);
    });
    deps.metrics.feeds.observe(() => this.#games.size, { kind: 'game' });
  }

  get feeds(): Iterable<Game> {
    return this.#games.values();
  }

  get handlers(): Pick<FrameHandlers, GameFrames> {
    return {
      'game.list': (connection, frame, trace) => this.#list(connection, frame, trace),
      'game.create': (connection, frame, trace) => this.#create(connection, frame, trace),
      'game.quick': (connection, frame, trace) => this.#quick(connection, frame, trace),
      'game.join': (connection, frame, trace) =>
        connection.chain(frame.game, () => this.#join(connection, frame, trace)),
      'game.leave': (connection, { id, game }) =>
        connection.chain(game, async () => this.#leave(connection, id, game)),
      'game.command': (connection, frame, trace) => this.#command(connection, frame, trace),
    };
  }

  start(): void {
    this.#drops.start();
  }

  stop(): void {
    this.#drops.stop();
    this.#games.closeAll();
  }

  onGone(connection: Connection): void {
    for (const [id, member] of connection.games ?? []) {
      const game = this.#games.get(id);
      const epoch = game?.isVolatile ? game.epoch : undefined;
      this.#remove(id, member);
      const { pid, join } = member;
      if (member.hasSeat) this.#drops.add({ game: id as GameId, pid, join, epoch });
    }
  }

  onOwner(game: Game): void {
    this.#drops.onOwner(game.id);
  }

  onEnded(game: Game): void {
    for (const member of [...game.members]) {
      if (member.phase !== 'joining') this.#remove(game.id, member);
    }
  }

  #ask<T extends object>(verb: MatchVerb, body: object, decoder: Decoder<T>, trace: TraceParent | undefined) {
    const timeoutMs = this.#deps.config.gameJoinMs;
    return askMatchmaker(this.#deps, { verb, body, decoder, timeoutMs, trace });
  }

  async #list(
    connection: Connection,
    frame: ClientFrameOf<'game.list'>,
    trace: TraceParent | undefined,
  ): Promise<void> {
    const { games } = await this.#ask('list', { type: frame.type }, matchGames, trace);
    this.#deps.delivery.send(connection, { t: 'game.list', id: frame.id, games: games.slice(0, 10_000) });
  }

  async #create(
    connection: Connection,
    frame: ClientFrameOf<'game.create'>,
    trace: TraceParent | undefined,
  ): Promise<void> {
    const { id, key, type, title, options } = frame;
    const body = { user: connection.user, key, type, title, options };
    const { info, isNew } = await this.#ask('create', body, matchedGame, trace);
    this.#deps.delivery.send(connection, { t: 'game.created', id, info, isNew });
  }

  async #quick(
    connection: Connection,
    frame: ClientFrameOf<'game.quick'>,
    trace: TraceParent | undefined,
  ): Promise<void> {
    const { id, key, type } = frame;
    const { info, isNew } = await this.#ask(
      'quick',
      { user: connection.user, key, type },
      matchedGame,
      trace,
    );
    this.#deps.delivery.send(connection, { t: 'game.created', id, info, isNew });
  }

  async #join(
    connection: Connection,
    frame: ClientFrameOf<'game.join'>,
    trace: TraceParent | undefined,
  ): Promise<void> {
    if (connection.isGone) return;
    connection.games ??= new Map();
    const before = connection.games.get(frame.game);
    if (before === undefined && connection.games.size >= LIMITS.maxGamesPerSocket) {
      throw new ProtocolError('too_many_joined');
    }
    const game = this.#games.open(gameId(frame.game));
    const member = new GameMember(connection, frame.join, frame.shown);
    // A join of a joined game begins anew: the older one ends here, and at the owner by its lower number.
    if (before !== undefined) game.remove(before);
    connection.games.set(frame.game, member);
    game.attach(member);
    let isJoined = false;
    try {
      isJoined = await this.#enter(game, member, frame, trace);
    } finally {
      this.#deps.metrics.joins.add(1, { kind: 'game', outcome: isJoined ? 'ok' : 'failed' });
      if (!isJoined) this.#remove(frame.game, member);
    }
  }

  /** @returns false when the connection went away meanwhile. @throws ProtocolError, BusError */
  async #enter(
    game: Game,
    member: GameMember,
    frame: ClientFrameOf<'game.join'>,
    trace: TraceParent | undefined,
  ): Promise<boolean> {
    const { clock, config } = this.#deps;
    const deadlineMs = clock.monotonicMs() + config.gameJoinMs;
    for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(LONGEST_RETRY_MS, waitMs * 2)) {
      const state = await this.#askOwner(game, member, frame, trace, deadlineMs);
      if (member.connection.isGone) {
        if (state !== undefined && state.pid !== 0 && !game.isOutdated(state)) {
          const { pid, epoch, liveN } = state;
          const ownedAt = liveN === undefined ? undefined : epoch;
          this.#drops.add({ game: game.id, pid, join: frame.join, epoch: ownedAt });
        }
        return false;
      }
      if (state !== undefined && !game.isOutdated(state)) {
        game.enter(member, state, this.#joinedFrame(game, frame, state));
        return true;
      }
      if (clock.monotonicMs() + waitMs >= deadlineMs) throw new ProtocolError('unavailable');
      await pause(this.#deps, waitMs);
    }
  }

  /** @returns undefined when nobody answered, or the answer is of another join */
  async #askOwner(
    game: Game,
    member: GameMember,
    frame: ClientFrameOf<'game.join'>,
    trace: TraceParent | undefined,
    deadlineMs: number,
  ): Promise<StateReply | undefined> {
    const { clock, config, edge } = this.#deps;
    const { session, user, name } = member.connection;
    const spectate = frame.spectate ?? false;
    const input = { kind: 'join', edge, session, user, name, join: frame.join, spectate };
    const timeoutMs = Math.min(config.backendTimeoutMs, deadlineMs - clock.monotonicMs());
    try {
      const state = await askOwner(this.#deps, game.id, input, { timeoutMs, trace });
      return spectate || state.join === frame.join ? state : undefined;
    } catch (cause) {
      if (!isNobodyThere(cause)) throw cause;
      const body = { game: game.id };
      const leftMs = Math.max(1, deadlineMs - clock.monotonicMs());
      const find = { verb: 'find', body, decoder: matchedGame, timeoutMs: leftMs, trace } as const;
      await askMatchmaker(this.#deps, find);
      return undefined;
    }
  }

  #joinedFrame(game: Game, frame: ClientFrameOf<'game.join'>, state: StateReply) {
    const { epoch, pod, ack, pid } = state;
    const joined = {
      t: 'game.joined',
      id: frame.id,
      game: game.id,
      join: frame.join,
      handle: game.handle,
      ...(pid === 0 ? {} : { pid }),
      ack,
      epoch,
      seq: positionOf(state),
      pod,
      schema: JSON.parse(state.schema) as unknown,
      ...(state.liveN !== undefined && { volatile: true as const }),
    } as const;
    return textFrame(encodeServerFrame(joined));
  }

  #leave(connection: Connection, id: number, game: string): void {
    const member = connection.games?.get(game);
    if (member !== undefined) {
      this.#remove(game, member);
      const { pid, join } = member;
      if (member.hasSeat) this.#tell(gameId(game), { kind: 'leave', pid, join }, undefined);
    }
    this.#deps.delivery.send(connection, { t: 'ok', id });
  }

  /** Not answered: the player's own row says what was applied. A command that gets lost is sent again by the SDK. */
  #command(
    connection: Connection,
    frame: ClientFrameOf<'game.command'>,
    trace: TraceParent | undefined,
  ): void {
    const member = connection.games?.get(frame.game);
    if (member === undefined || member.phase === 'joining' || member.phase === 'unseated')
      throw new ProtocolError('not_joined');
    if (member.pid === 0) throw new ProtocolError('forbidden');
    const { n, name, args } = frame;
    const command = {
      kind: 'command',
      pid: member.pid,
      join: member.join,
      n,
      name,
      ...(args === undefined ? {} : { args }),
    } as const;
    this.#tell(gameId(frame.game), command, trace);
  }

  #tell(game: GameId, input: GameInput, trace: TraceParent | undefined): void {
    const { nats, subjects } = this.#deps;
    nats.publish(subjects.gameIn(game), input, trace === undefined ? {} : { trace });
  }

  #remove(id: string, member: GameMember): void {
    const { games } = member.connection;
    if (games?.get(id) === member) games.delete(id);
    const game = this.#games.get(id);
    if (game === undefined) return;
    game.remove(member);
    this.#games.release(game);
  }
}
