/** One joined game, over as many sockets and owners as it takes. */

import type { AnyRows, Replica } from '@breakwater/game-kit/replica';
import type {
  GameDeltaFrame,
  GameFrame,
  GameStateFrame,
  ServerFrame,
  ServerFrameOf,
} from '@breakwater/protocol';
import type { Game, GameEvents, GameStatus, SentCommand, Unsubscribe } from './api.ts';
import { GameFeed } from './domain/game-feed.ts';
import { Emitter } from './emitter.ts';
import { BadArgumentError, type BreakwaterError, LeftError, ReplacedError, ServerError } from './errors.ts';
import { GameCommands } from './game-commands.ts';
import { GameOwner } from './game-owner.ts';
import { GameSilence } from './game-silence.ts';
import { GameSources, type Source } from './game-sources.ts';
import { GameView } from './game-view.ts';
import type { Link } from './net/link.ts';
import { Rejoiner, tell } from './rejoiner.ts';
import type { Attachable, Session } from './session.ts';

/** A game that is not there is asked for at least so often, in ms: players are waiting. */
const MAX_REJOIN_DELAY_MS = 5_000;

export class JoinedGame implements Game, Attachable {
  readonly id: string;
  /** Told once, when it is left, lost, ended or closed. */
  onEnd: () => void = () => undefined;
  readonly isSpectator: boolean;
  readonly #session: Session;
  readonly #emitter: Emitter<GameEvents>;
  readonly #feed = new GameFeed();
  readonly #view: GameView;
  readonly #commands: GameCommands;
  readonly #owner = new GameOwner();
  readonly #sources = new GameSources();
  readonly #rejoiner: Rejoiner;
  readonly #silence: GameSilence;
  readonly #first = Promise.withResolvers<void>();
  #status: GameStatus = 'rejoining';
  #pid: number | undefined;
  /** The highest number that this session joined with. */
  #join = 0;
  /** Joins that are not answered yet. */
  #asked = 0;
  /** The replica is another object than at the last `state` event. */
  #isNewReplica = false;
  #end: BreakwaterError | undefined;
  #refusal: BreakwaterError | undefined;

  constructor(session: Session, id: string, isSpectator: boolean) {
    const { limits } = session.settings;
    this.id = id;
    this.isSpectator = isSpectator;
    this.#session = session;
    this.#emitter = new Emitter(limits.maxStreamBuffer, (error) => session.report(error));
    this.#commands = new GameCommands(id, session.settings);
    this.#view = new GameView(
      ({ n, reason }) => this.#rejected(n, reason),
      (error) => session.report(error),
    );
    this.#rejoiner = new Rejoiner(session, (link) => this.attach(link), MAX_REJOIN_DELAY_MS);
    const { clock, times } = session.settings;
    this.#silence = new GameSilence(clock, times.gameSilenceMs, () => this.#onSilence());
    this.#first.promise.catch(() => undefined);
  }

  get status(): GameStatus {
    return this.#status;
  }

  get pid(): number | undefined {
    return this.#pid;
  }

  get pod(): string {
    return this.#owner.pod;
  }

  get epoch(): number {
    return this.#feed.epoch;
  }

  get seq(): number {
    return this.#feed.seq;
  }

  get tickHz(): number {
    return this.#view.tickHz;
  }

  get replica(): Replica<AnyRows> {
    return this.#view.replica;
  }

  get ack(): number {
    return this.#commands.ack;
  }

  get pendingCommands(): number {
    return this.#commands.size;
  }

  /** Why the newest join was refused for now; it is repeated. */
  get refusal(): BreakwaterError | undefined {
    return this.#refusal;
  }

  /** Settles with the first state. */
  get first(): Promise<void> {
    return this.#first.promise;
  }

  on<K extends keyof GameEvents>(event: K, listener: (value: GameEvents[K]) => void): Unsubscribe {
    return this.#emitter.on(event, listener);
  }

  events<K extends keyof GameEvents>(event: K): AsyncIterableIterator<GameEvents[K]> {
    return this.#emitter.events(event);
  }

  command(name: string, args?: Readonly<Record<string, unknown>>): SentCommand {
    if (this.#end !== undefined) throw this.#end;
    if (this.isSpectator) throw new BadArgumentError('a spectator has no commands');
    return this.#commands.send(name, args, this.#session.maxFrameBytes);
  }

  async leave(): Promise<void> {
    if (this.#end !== undefined) return;
    const link = this.#sources.current?.link;
    this.#finish('left', new LeftError(`game ${this.id}`));
    if (link !== undefined) await tell(this.#session, link, { t: 'game.leave', game: this.id });
  }

  attach(link: Link): Promise<void> {
    this.#rejoiner.cancel();
    const shown: [number, number] | undefined =
      this.#feed.epoch === 0 ? undefined : [this.#feed.epoch, this.#feed.seq];
    const join = this.#session.nextJoin();
    this.#join = join;
    const body = {
      t: 'game.join',
      game: this.id,
      join,
      ...(this.isSpectator && { spectate: true }),
      ...(shown !== undefined && { shown }),
    } as const;
    return new Promise((resolve) => {
      this.#asked += 1;
      const isSent = link.request(body, this.#session.settings.times.requestTimeoutMs, {
        onAnswer: (frame) => {
          this.#asked -= 1;
          if (frame.t === 'game.joined' && this.#end === undefined) this.#joined(link, frame, resolve);
          else resolve();
        },
        onFail: (error) => {
          this.#asked -= 1;
          this.#joinFailed(error, join);
          resolve();
        },
      });
      if (isSent) return;
      this.#asked -= 1;
      this.#rejoiner.later();
      resolve();
    });
  }

  detached(link: Link): void {
    if (this.#sources.detached(link)) this.#suspend();
  }

  closed(error: BreakwaterError): void {
    this.#finish('left', error);
  }

  receive(link: Link, frame: ServerFrame): boolean {
    if (!('game' in frame) || frame.game !== this.id) return false;
    if (frame.t === 'game.schema') this.#schemaChanged(link, frame);
    else if (link === this.#sources.current?.link) this.#receiveOwn(frame);
    return true;
  }

  receiveGame(link: Link, frame: GameFrame): boolean {
    const source = this.#sources.find(link, frame.handle);
    if (source === undefined) return false;
    const verdict = this.#feed.accept(frame);
    // What is not shown, as by deltas without a state before them, is no sign of life.
    if (verdict.kind === 'state' || verdict.kind === 'delta') this.#silence.heard();
    if (verdict.kind === 'state') this.#applyState(source, verdict.frame);
    else if (verdict.kind === 'delta') this.#applyDelta(source, verdict.frame, verdict.slice);
    else if (verdict.kind === 'hole') this.#repair(source);
    // A state older than what is shown is as good as a newer one: the deltas after it follow.
    else if (frame.kind === 'state' && !this.#feed.needsState) this.#becomeLive(source);
    return true;
  }

  #receiveOwn(frame: ServerFrame): void {
    if (frame.t === 'game.owner') this.#ownerChanged(frame.epoch, frame.pod);
    else if (frame.t === 'game.ended') this.#ended(frame.reason);
    else if (frame.t === 'error' && frame.code === 'not_joined') this.#unseated();
    else if (frame.t === 'error')
      this.#session.report(new ServerError(frame.code, frame.message, frame.retryAfterMs));
  }

  #joined(link: Link, frame: ServerFrameOf<'game.joined'>, settle: () => void): void {
    // On a socket that is being left it comes too late: the join on the new one has an answer of its own.
    if (link !== this.#session.link || !this.#adopt(frame.schema)) {
      settle();
      return;
    }
    this.#refusal = undefined;
    const { handle, pid, ack, volatile: mayFallBack = false } = frame;
    this.#sources.joined({ link, handle, pid, ack, mayFallBack, isLive: false, settle });
    this.#noteOwner(frame.epoch, frame.pod);
    this.#rejoiner.after(this.#session.settings.times.requestTimeoutMs);
  }

  /** A new version of the game: the state that follows is to be read by another schema. */
  #schemaChanged(link: Link, { handle, schema }: ServerFrameOf<'game.schema'>): void {
    if (this.#sources.find(link, handle) !== undefined) this.#adopt(schema);
  }

  /** False if there is no reading this game: it is lost then. */
  #adopt(schema: unknown): boolean {
    try {
      if (this.#view.adopt(schema)) {
        this.#isNewReplica = true;
        this.#feed.awaitState();
      }
      return true;
    } catch (error) {
      this.#lose(new ServerError('internal', error instanceof Error ? error.message : 'bad schema'));
      return false;
    }
  }

  #applyState(source: Source, frame: GameStateFrame): void {
    if (!this.#view.applyState(frame)) {
      this.#repair(source);
      return;
    }
    this.#shown(frame);
    this.#becomeLive(source);
    const { epoch, seq, tick } = frame;
    const isNewReplica = this.#isNewReplica;
    this.#isNewReplica = false;
    this.#emitter.emit('state', { epoch, seq, tick, isNewReplica });
    this.#first.resolve();
    this.#readSeat();
  }

  #applyDelta(source: Source, frame: GameDeltaFrame, slice: Uint8Array | undefined): void {
    if (!this.#view.applyDelta(frame, slice)) {
      this.#repair(source);
      return;
    }
    this.#shown(frame);
    this.#rejoiner.reset();
    this.#readSeat();
    this.#emitter.emit('delta', { epoch: frame.epoch, seq: frame.seq, tick: frame.tick });
  }

  #shown(frame: GameStateFrame | GameDeltaFrame): void {
    this.#feed.applied(frame);
    const pause = this.#owner.shown(frame.epoch, this.#session.settings.clock.monotonicMs(), this.tickHz);
    if (pause !== undefined) this.#emitter.emit('pause', pause);
  }

  #becomeLive(source: Source): void {
    if (!this.#sources.becomeLive(source)) return;
    this.#rejoiner.cancel();
    this.#pid = source.pid;
    if (source.pid !== undefined) this.#commands.joined(source, source.pid, this.#view.ackOf(source.pid));
    this.#setStatus('live');
    // Without players a game sleeps and says nothing, so a spectator cannot tell.
    if (!this.isSpectator) this.#silence.watch();
    source.settle();
  }

  #readSeat(): void {
    if (this.#pid === undefined) return;
    const ack = this.#view.ackOf(this.#pid);
    const source = this.#sources.current;
    // Numbers that another session has used say nothing about the commands of this one.
    if ((this.#view.joinOf(this.#pid) ?? 0) > this.#join) this.#replaced();
    else if (ack === undefined) return;
    // Commands with the numbers after the old ones may be on their way: after a new join they have no effect.
    else if (source?.isLive && this.#commands.isSetBack(source, ack)) this.#repair(source);
    else this.#commands.covered(ack);
  }

  #replaced(): void {
    const link = this.#sources.current?.link;
    this.#lose(new ReplacedError());
    // Only this connection hears of the game no more: the seat is the other session's.
    if (link !== undefined) void tell(this.#session, link, { t: 'game.leave', game: this.id });
  }

  #rejected(n: number, reason: string): void {
    this.#commands.rejected(n, reason);
    this.#emitter.emit('reject', { n, reason });
  }

  #ownerChanged(epoch: number, pod: string): void {
    this.#silence.heard();
    this.#feed.announce(epoch);
    this.#noteOwner(epoch, pod);
    // Commands that were on their way to the old owner may be lost.
    this.#commands.resend();
  }

  #noteOwner(epoch: number, pod: string): void {
    const change = this.#owner.heard(epoch, pod);
    if (change !== undefined) this.#emitter.emit('owner', change);
  }

  /** Bytes that do not follow on what is shown: only full state helps. */
  #repair(source: Source): void {
    if (source !== this.#sources.current) return;
    this.#suspend();
    this.#rejoiner.later();
  }

  /** The process that hosted the game may be gone: a join has it hosted anew. */
  #onSilence(): void {
    if (this.#sources.current === undefined) return;
    this.#suspend();
    this.#rejoiner.now();
  }

  #suspend(): void {
    this.#silence.stop();
    this.#feed.awaitState();
    this.#commands.pause();
    if (this.#end === undefined) this.#setStatus('rejoining');
  }

  /** The seat is of an owner that a volatile game has lost, or this session has none. */
  #unseated(): void {
    // A join that is on its way has an answer of its own.
    if (this.#asked > 0) return;
    this.#suspend();
    this.#rejoiner.soon();
  }

  #joinFailed(error: BreakwaterError, join: number): void {
    // Overtaken by a newer join of this very session, which has an answer of its own.
    if (this.#end !== undefined || error.code === 'connection_lost' || join < this.#join) return;
    const isFull = error.code === 'game_full';
    if (error.code === 'join_outdated') {
      this.#joinOutdated(error);
    } else if (error.retryable && !isFull) {
      this.#refusal = error;
      this.#rejoiner.later(error);
    } else if (error.code === 'game_ended' && this.#feed.epoch > 0) this.#ended(error.message);
    else this.#lose(error);
  }

  #joinOutdated(error: BreakwaterError): void {
    if (this.#pid !== undefined) {
      // It had the seat, so another session took it meanwhile.
      this.#lose(new ReplacedError());
      return;
    }
    this.#session.outdatedJoin();
    this.#rejoiner.later(error);
  }

  #ended(reason: string): void {
    this.#finish('ended', new ServerError('game_ended'), () => this.#emitter.emit('ended', { reason }));
  }

  #lose(error: BreakwaterError): void {
    this.#finish('lost', error);
  }

  #finish(status: GameStatus, error: BreakwaterError, tell: () => void = () => undefined): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    this.#session.remove(this);
    this.onEnd();
    this.#rejoiner.end();
    this.#silence.stop();
    this.#sources.clear();
    this.#commands.end(error);
    this.#setStatus(status, error);
    tell();
    this.#first.reject(error);
    this.#emitter.end();
  }

  #setStatus(status: GameStatus, error?: BreakwaterError): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#emitter.emit('status', error === undefined ? { status } : { status, error });
  }
}
