import { type Award, Awards } from './awards.ts';
import type { Player } from './context.ts';
import type { AnyContext, GameDefinition } from './define.ts';
import { type EncodedParts, Encoder } from './encode.ts';
import { CommandRejected, GameError, ReplicaError } from './errors.ts';
import { decodeFields } from './fields.ts';
import { hashParts } from './hash.ts';
import { Journal } from './journal.ts';
import { loadParts } from './load.ts';
import { makeContext } from './make-context.ts';
import { carryTables } from './migrate-tables.ts';
import { seedWords } from './random.ts';
import type { CommandResult, HookFailure, InstanceOptions, JoinResult } from './results.ts';
import { schemaMark } from './schema.ts';
import { isJoinRequest, type JoinRequest, Seats } from './seats.ts';
import { LATER_TABLES, type SystemTables } from './system-tables.ts';
import type { TableSpecs, TablesOf } from './table.ts';
import { TableStore } from './table-store.ts';

type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'failed' };
const DONE: Outcome = { kind: 'done' };

/** A running game. Synchronous and pure: the same calls in the same order give the same state in any process. */
export class GameInstance<T = TableSpecs> {
  readonly definition: GameDefinition;
  /** The game's tables and the kit's, for those who look at a game from outside. */
  readonly tables: TablesOf<T & SystemTables>;
  /** What it was made with. */
  readonly madeWith: InstanceOptions;
  private currentTick = 0;
  private isTakenOver = false;
  private readonly mark: number;
  private readonly stores: readonly TableStore[];
  private readonly journal = new Journal();
  private readonly encoder: Encoder;
  private readonly seats: Seats;
  private readonly outbox: Awards;
  private readonly ctx: AnyContext;
  private readonly onError: (error: unknown, where: HookFailure) => void;

  constructor(definition: GameDefinition, options: InstanceOptions) {
    this.definition = definition;
    this.madeWith = options;
    this.mark = schemaMark(definition.schema, LATER_TABLES);
    this.onError = options.onError ?? (() => {});
    const isSeated = { has: (pid: number): boolean => seatTable.has(pid) };
    this.stores = Object.keys(definition.tables).map(
      (name, index) => new TableStore(name, index, definition.tables[name]!, this.journal, isSeated),
    );
    const seatTable = this.stores.find((store) => store.name === '$players')!;
    this.tables = Object.fromEntries(
      this.stores.map((store) => [store.name, store]),
    ) as unknown as typeof this.tables;
    this.encoder = new Encoder(this.stores, this.mark);
    this.seats = new Seats(this.system, definition);
    this.outbox = new Awards(this.system, definition);
    this.ctx = makeContext({
      tables: this.system,
      seats: this.seats,
      awards: this.outbox,
      options: definition.decodeOptions(options.options),
      tick: () => this.currentTick,
    });
  }

  /** Ticks since the game began. */
  get tick(): number {
    return this.currentTick;
  }

  get players(): { readonly seated: number; readonly connected: number; readonly seats: number } {
    return { seated: this.seats.seated, connected: this.seats.connected, seats: this.seats.limit };
  }

  /** Nobody has a seat. */
  get isEmpty(): boolean {
    return this.seats.seated === 0;
  }

  /** Ticks since the last connected player went; 0 while there is one. A sleeping game's do not rise. */
  get idleTicks(): number {
    return this.seats.idleTicks(this.currentTick);
  }

  /** Why the game has ended, or undefined while it goes on. */
  get ended(): string | undefined {
    const game = this.system.$game.row(1);
    return game?.ended ? game.reason : undefined;
  }

  /** Something changed since the last delta, so that the next one would not be empty. */
  get hasChanges(): boolean {
    return this.stores.some((store) => store.touched);
  }

  /** Made from a game of an older version, and no delta has told so yet: the next one holds all of it. */
  get isMigrated(): boolean {
    return this.isTakenOver;
  }

  /** Awards in the outbox, whether named or not. */
  get pendingAwards(): number {
    return this.system.$awards.size;
  }

  /** The awards of the outbox that a record holds, in the order in which they were given. */
  awards(): readonly Award[] {
    return this.outbox.named();
  }

  /** Names the awards given since the last delta after the record that will hold them: call it before `encodeDelta`. */
  nameAwards(epoch: number, n: number): readonly Award[] {
    return this.outbox.name(epoch, n);
  }

  /** The award is in its user's ledger: it leaves the outbox with the next delta. False if it is not there any more. */
  takeAward(award: Award): boolean {
    return this.outbox.take(award);
  }

  /** Connected players with the join of their session and the edge that it came through, by rising pid. */
  sessions(): readonly { readonly pid: number; readonly join: number; readonly edge: string }[] {
    return this.seats.connectedSessions();
  }

  /** Number of the player's last command applied, or undefined without such a seat. */
  ackOf(pid: number): number | undefined {
    return this.seats.ack(pid);
  }

  /** Join of the session that plays the seat, or undefined without such a seat. */
  joinOf(pid: number): number | undefined {
    return this.seats.session(pid)?.join;
  }

  /** The seat of a user, if there is one. */
  seatOf(user: string): { readonly pid: number; readonly join: number; readonly ack: number } | undefined {
    const session = this.seats.sessionOf(user);
    return session && { pid: session.id, join: session.join, ack: this.seats.ack(session.id) ?? 0 };
  }

  join(request: JoinRequest): JoinResult {
    if (!isJoinRequest(request)) return { kind: 'rejected', reason: 'bad_join' };
    const session = this.seats.sessionOf(request.user);
    if (session !== undefined) return this.rejoin(request, session.id);
    if (request.join <= this.seats.departedJoin(request.user)) return { kind: 'stale' };
    if (this.ended !== undefined) return { kind: 'rejected', reason: 'ended' };
    if (this.seats.seated >= this.seats.limit) return { kind: 'full' };
    let pid = 0;
    const outcome = this.attempt({ hook: 'join', name: 'join' }, () => {
      pid = this.seats.take(request);
      this.definition.hooks.join?.(this.ctx, this.player(pid));
    });
    return outcome.kind === 'done' ? { kind: 'joined', pid, ack: 0 } : outcome;
  }

  /** Applies command `n` of a player if it is the next one; `args` may be anything. */
  command(pid: number, n: number, name: string, args: unknown): CommandResult {
    const ack = this.seats.ack(pid);
    if (ack === undefined) return 'unknown_player';
    if (n <= ack) return 'duplicate';
    if (n !== ack + 1) return 'gap';
    const outcome = this.runCommand(pid, name, args);
    this.seats.setAck(pid, n);
    if (outcome.kind === 'done') return 'applied';
    const reason = outcome.kind === 'rejected' ? outcome.reason : 'command_failed';
    this.noteReject(pid, n, reason);
    return outcome.kind === 'failed' ? 'failed' : { rejected: reason };
  }

  /**
   * The player's next command is number `n`: those between it and the last one applied are given up. For a host whose
   * game may have fallen back behind what its players were told.
   */
  skipTo(pid: number, n: number): void {
    const ack = this.seats.ack(pid);
    if (ack !== undefined && n > ack + 1) this.seats.setAck(pid, n - 1);
  }

  /** The connection of session `join` is gone. False if that is not the player's session any more. */
  disconnected(pid: number, join: number): boolean {
    return this.setConnected(pid, join, false);
  }

  /** Session `join` is back without a new join. False if the seat is gone or another session has it. */
  reconnected(pid: number, join: number): boolean {
    return this.setConnected(pid, join, true);
  }

  /** Gives up the seat of session `join`. False if that is not the player's session any more. */
  leave(pid: number, join: number): boolean {
    if (this.seats.session(pid)?.join !== join) return false;
    this.freeSeat(pid);
    return true;
  }

  /** Ends the game from outside, as `ctx.end` does. */
  end(reason: string): void {
    this.ctx.end(reason);
  }

  /** One tick. What the game's `tick` throws is thrown: the caller starts the game again from its log. */
  step(): void {
    if (this.ended !== undefined) return;
    this.currentTick++;
    for (const pid of this.seats.expired(this.currentTick)) this.freeSeat(pid);
    this.definition.hooks.tick?.(this.ctx);
  }

  /** What changed since the last delta. Clears the marks; transient rows are gone afterwards. */
  encodeDelta(): EncodedParts {
    const parts = this.encoder.delta(this.currentTick);
    for (const store of this.stores) store.settle();
    this.isTakenOver = false;
    return parts;
  }

  /** All of it but transient rows, as of now; changes nothing. */
  encodeState(): EncodedParts {
    return this.encoder.state(this.currentTick, this.seats.pids());
  }

  /** Takes in a delta that another instance encoded, in the order of the log. Throws `ReplicaError` or `GameError`. */
  applyDelta(parts: Omit<EncodedParts, 'tick'>): void {
    if (this.hasChanges) {
      throw new GameError('misuse', 'an instance with changes of its own cannot take in a delta');
    }
    this.currentTick = loadParts(this.stores, this.definition.schema, this.mark, parts, true);
  }

  /** 32-bit hash of the full state. */
  hash(): number {
    return hashParts(this.encodeState());
  }

  /** For `createInstance` only. */
  begin(options: InstanceOptions): void {
    const seats = Math.min(options.seats ?? this.definition.maxPlayers, this.definition.maxPlayers);
    if (!Number.isInteger(seats) || seats < 1)
      throw new GameError('bad_definition', `${seats} is not a number of seats`);
    this.system.$game.insert({ seats });
    this.system.$clock.insert({});
    this.system.$random.insert(seedWords(options.seed));
    this.definition.hooks.setup?.(this.ctx);
  }

  /** For `migrateInstance` only. */
  takeOver(old: GameInstance, run: (ctx: AnyContext) => void): void {
    this.currentTick = old.currentTick;
    this.isTakenOver = true;
    carryTables(old.stores, this.stores);
    run(this.ctx);
  }

  /** For `hydrate` only. */
  load(parts: Omit<EncodedParts, 'tick'>): void {
    this.currentTick = loadParts(this.stores, this.definition.schema, this.mark, parts, false);
    for (const name of ['$game', '$clock', '$random'] as const) {
      if (!this.system[name].has(1)) throw new ReplicaError('mismatch', `a state without its row of ${name}`);
    }
  }

  private get system(): TablesOf<SystemTables> {
    return this.tables as unknown as TablesOf<SystemTables>;
  }

  private player(pid: number): Player {
    const player = this.seats.player(pid);
    if (player === undefined) throw new GameError('not_found', `there is no player ${pid}`);
    return player;
  }

  private rejoin(request: JoinRequest, pid: number): JoinResult {
    const session = this.seats.session(pid)!;
    if (request.join < session.join) return { kind: 'stale' };
    const answer: JoinResult = { kind: 'joined', pid, ack: this.seats.ack(pid) ?? 0 };
    if (request.join === session.join) return answer;
    this.seats.retake(session, request);
    this.runHook('reconnected', pid);
    return answer;
  }

  private setConnected(pid: number, join: number, connected: boolean): boolean {
    const session = this.seats.session(pid);
    if (session?.join !== join) return false;
    if (this.player(pid).connected === connected) return true;
    this.seats.setConnected(pid, connected, this.currentTick);
    this.runHook(connected ? 'reconnected' : 'disconnected', pid);
    return true;
  }

  private freeSeat(pid: number): void {
    this.runHook('leave', pid);
    for (const store of this.stores) {
      if (store.definition.visibility !== 'owner' || store.name === '$seats') continue;
      for (const row of store) if (row.owner === pid) store.remove(row.id);
    }
    this.seats.free(pid, this.currentTick);
  }

  private runHook(hook: 'disconnected' | 'reconnected' | 'leave', pid: number): void {
    const run = this.definition.hooks[hook];
    if (run === undefined) return;
    const player = this.player(pid);
    this.attempt({ hook, name: hook }, () => run(this.ctx, player));
  }

  private runCommand(pid: number, name: string, args: unknown): Outcome {
    if (this.ended !== undefined) return { kind: 'rejected', reason: 'ended' };
    const command = this.definition.commands.get(name);
    if (command === undefined) return { kind: 'rejected', reason: 'unknown_command' };
    const decoded = decodeFields(command.args, args);
    if (!decoded.ok) return { kind: 'rejected', reason: 'bad_args' };
    return this.attempt({ hook: 'command', name }, () =>
      command.run(this.ctx, this.player(pid), decoded.values),
    );
  }

  /** Runs the author's code so that it either happened or did not. */
  private attempt(where: HookFailure, run: () => void): Outcome {
    this.journal.begin();
    try {
      run();
      this.journal.commit();
      return DONE;
    } catch (error) {
      this.journal.undo();
      if (error instanceof CommandRejected) return { kind: 'rejected', reason: error.reason };
      this.onError(error, where);
      return { kind: 'failed' };
    }
  }

  private noteReject(pid: number, n: number, reason: string): void {
    const { $rejects } = this.system;
    if ($rejects.size < this.definition.tables.$rejects!.maxRows) $rejects.insert({ owner: pid, n, reason });
  }
}
