/** What arrived for a game and was not applied yet, in order of arrival, within limits. */

import type { GameInstance } from '@breakwater/game-kit';
import { type Ask, AskQueue } from './ask-queue.ts';
import type { CommandJumps } from './command-jumps.ts';

/** Where the answer to a join or sync goes. Both may be called once, and late. */
export interface Answer {
  state(bytes: Uint8Array): void;
  error(code: AnswerError, message: string): void;
}
export type AnswerError =
  | 'game_full'
  | 'game_ended'
  | 'game_failed'
  | 'forbidden'
  | 'join_outdated'
  | 'busy'
  | 'too_large'
  | 'internal';

export interface JoinInput {
  readonly kind: 'join';
  readonly user: string;
  readonly name: string;
  readonly edge: string;
  /** The connection at that edge. */
  readonly session: string;
  readonly join: number;
  readonly spectate: boolean;
  readonly answer: Answer;
}
export interface SyncInput {
  readonly kind: 'sync';
  readonly edge: string;
  readonly pids: readonly number[];
  readonly answer: Answer;
}
export interface CommandInput {
  readonly kind: 'command';
  readonly pid: number;
  /** The session that sent it. */
  readonly join: number;
  readonly n: number;
  readonly name: string;
  readonly args: unknown;
  readonly trace?: string | undefined;
}
export type OwnerInput =
  | JoinInput
  | SyncInput
  | CommandInput
  | { readonly kind: 'leave'; readonly pid: number; readonly join: number }
  | { readonly kind: 'dropped'; readonly pid: number; readonly join: number }
  /** Every player of these edges is without a connection. */
  | { readonly kind: 'edges_lost'; readonly edges: ReadonlySet<string> }
  /** An edge that counted as lost was only cut off: its players have their connections still. */
  | { readonly kind: 'edge_back'; readonly edge: string };

export interface InboxLimits {
  /** Inputs of all kinds waiting for the next tick. */
  readonly maxInputs: number;
  /** How far a command may be ahead of the last one applied to be kept for it. */
  readonly maxAhead: number;
}

export const COMMAND_OUTCOMES = [
  'applied',
  'rejected',
  'failed',
  'duplicate',
  'ahead',
  'overflow',
  'unknown_player',
  /** From a session whose player joined anew elsewhere. */
  'replaced',
] as const;
export type CommandOutcome = (typeof COMMAND_OUTCOMES)[number];

interface PlayerQueue {
  /** Commands in the arrival queue. */
  queued: number;
  /** Commands whose predecessor is missing, by number. */
  readonly ahead: Map<number, CommandInput>;
}

export class Inbox {
  /** Trace of the first traced command that was applied and is in no append yet. */
  #trace: string | undefined;
  readonly #limits: InboxLimits;
  readonly #onCommand: (outcome: CommandOutcome) => void;
  readonly #jumps: CommandJumps | undefined;
  readonly #queue: AskQueue<OwnerInput>;
  readonly #players = new Map<number, PlayerQueue>();

  /** `jumps`: only of a game whose state may fall back. */
  constructor(limits: InboxLimits, onCommand: (outcome: CommandOutcome) => void, jumps?: CommandJumps) {
    this.#limits = limits;
    this.#onCommand = onCommand;
    this.#jumps = jumps;
    this.#queue = new AskQueue(limits.maxInputs, (input) => ('answer' in input ? input : undefined));
  }

  get size(): number {
    return this.#queue.items.length;
  }

  /** The trace for the append that is about to be made. */
  takeTrace(): string | undefined {
    const trace = this.#trace;
    this.#trace = undefined;
    return trace;
  }

  /** False when the inbox is full; a join or sync was answered `busy` then. */
  offer(input: OwnerInput): boolean {
    if (this.#queue.offer(input)) return true;
    if ('answer' in input) input.answer.error('busy', 'the game has too much to do');
    return false;
  }

  /** Whether who asked this, and was not answered yet, has asked again since. */
  isAskedAgain(ask: Ask): boolean {
    return this.#queue.hasNewer(ask);
  }

  /** Takes a command if it can become the next one soon. */
  offerCommand(instance: GameInstance, command: CommandInput): void {
    const refusal = this.#refuseCommand(instance, command);
    if (refusal === undefined) this.#playerOf(command.pid).queued += 1;
    else this.#onCommand(refusal);
  }

  /** Puts inputs before all others, to be applied once more. */
  putBack(inputs: readonly OwnerInput[]): void {
    if (inputs.length > 0) this.#queue.putBack(inputs);
  }

  /** Hands on everything in order of arrival: commands to the instance, the rest to `apply`. */
  drain(instance: GameInstance, apply: (input: Exclude<OwnerInput, CommandInput>) => void): void {
    if (this.size === 0) return;
    for (const input of this.#queue.take()) {
      if (input.kind === 'command') this.#command(instance, input);
      else apply(input);
    }
  }

  /** Drops everything; returns the answers that are owed. */
  takeAnswers(): Answer[] {
    const answers = this.#queue.items.flatMap((input) => ('answer' in input ? [input.answer] : []));
    this.clear();
    return answers;
  }

  /** Drops everything; who waits for an answer hears nothing. */
  clear(): void {
    this.#queue.take();
    this.#players.clear();
  }

  /** Forgets what waits for a player whose seat is gone. */
  forget(instance: GameInstance): void {
    for (const pid of this.#players.keys()) if (instance.ackOf(pid) === undefined) this.#players.delete(pid);
  }

  #refuseCommand(instance: GameInstance, command: CommandInput): CommandOutcome | undefined {
    const { maxAhead } = this.#limits;
    const ack = instance.ackOf(command.pid);
    if (ack === undefined) return 'unknown_player';
    if (isReplaced(instance, command)) return 'replaced';
    if (command.n <= ack) return 'duplicate';
    const isAhead = command.n > ack + maxAhead && this.#jumps?.isAllowed(command.pid, command.n) !== true;
    const isTooMuch = isAhead || this.#playerOf(command.pid).queued >= 2 * maxAhead;
    return isTooMuch || !this.offer(command) ? 'overflow' : undefined;
  }

  #playerOf(pid: number): PlayerQueue {
    let player = this.#players.get(pid);
    if (player === undefined) {
      player = { queued: 0, ahead: new Map() };
      this.#players.set(pid, player);
    }
    return player;
  }

  #command(instance: GameInstance, command: CommandInput): void {
    const player = this.#playerOf(command.pid);
    player.queued -= 1;
    if (this.#apply(instance, command) === 'gap') {
      player.ahead.set(command.n, command);
      return;
    }
    for (let n = command.n + 1; ; n++) {
      const next = player.ahead.get(n);
      if (next === undefined) return;
      player.ahead.delete(n);
      this.#apply(instance, next);
    }
  }

  #apply(instance: GameInstance, command: CommandInput): 'done' | 'gap' {
    // Joins wait in the same queue: the session may have become an old one since the command arrived.
    if (isReplaced(instance, command)) {
      this.#onCommand('replaced');
      return 'done';
    }
    this.#jumps?.take(instance, command.pid, command.n);
    const result = instance.command(command.pid, command.n, command.name, command.args);
    if (result === 'gap') {
      this.#onCommand('ahead');
      return 'gap';
    }
    this.#onCommand(typeof result === 'object' ? 'rejected' : result);
    if (result !== 'duplicate' && result !== 'unknown_player') this.#trace ??= command.trace;
    return 'done';
  }
}

/** Numbers are the seat's, so a command of an older session would take one away from the session that plays. */
function isReplaced(instance: GameInstance, { pid, join }: CommandInput): boolean {
  const current = instance.joinOf(pid);
  return current !== undefined && current !== join;
}
