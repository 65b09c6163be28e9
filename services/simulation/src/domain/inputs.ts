/** What each input but a command does to a game. */

import type { GameInstance } from '@breakwater/game-kit';
import type { AnswerError, CommandInput, JoinInput, OwnerInput } from './inbox.ts';
import type { Waiting } from './replies.ts';

export type NonCommand = Exclude<OwnerInput, CommandInput>;

/**
 * Inputs but commands whose effects are not certainly stored. After a restart from the log they are applied once
 * more; commands are not, because their senders do so, and one of them may be what broke the game.
 */
export class Unsaved {
  #inMemory: NonCommand[] = [];
  #onTheWay: NonCommand[] = [];

  add(input: NonCommand): void {
    this.#inMemory.push(input);
  }

  /** An append took along everything so far. */
  sent(): void {
    if (this.#inMemory.length === 0) return;
    this.#onTheWay = this.#inMemory;
    this.#inMemory = [];
  }

  stored(): void {
    if (this.#onTheWay.length > 0) this.#onTheWay = [];
  }

  take(): readonly NonCommand[] {
    const inputs = [...this.#onTheWay, ...this.#inMemory];
    this.#onTheWay = [];
    this.#inMemory = [];
    return inputs;
  }
}

/** Players that count as disconnected only because their edge could not be heard. */
export class CutOff {
  readonly #sessions = new Map<number, { readonly join: number; readonly edge: string }>();

  lose(instance: GameInstance, edges: ReadonlySet<string>): void {
    for (const pid of this.#sessions.keys())
      if (instance.ackOf(pid) === undefined) this.#sessions.delete(pid);
    for (const { pid, join, edge } of instance.sessions()) {
      if (!edges.has(edge)) continue;
      instance.disconnected(pid, join);
      this.#sessions.set(pid, { join, edge });
    }
  }

  /** Those who did not come back by another way meanwhile. */
  giveBack(instance: GameInstance, edge: string): void {
    for (const [pid, session] of this.#sessions) {
      if (session.edge !== edge) continue;
      this.#sessions.delete(pid);
      instance.reconnected(pid, session.join);
    }
  }

  /** A session that really ended is not to be given back. */
  forget(pid: number): void {
    this.#sessions.delete(pid);
  }

  clear(): void {
    this.#sessions.clear();
  }
}

/** Applies one input; `wait` takes those who are owed committed state. */
export function applyInput(
  instance: GameInstance,
  input: NonCommand,
  cutOff: CutOff,
  wait: (waiting: Waiting) => void,
): void {
  switch (input.kind) {
    case 'join':
      if (input.spectate) wait({ input, pid: 0 });
      else applyJoin(instance, input, wait);
      break;
    case 'sync':
      wait({ input, pid: 0 });
      break;
    case 'leave':
      if (instance.leave(input.pid, input.join)) cutOff.forget(input.pid);
      break;
    case 'dropped':
      if (instance.disconnected(input.pid, input.join)) cutOff.forget(input.pid);
      break;
    case 'edges_lost':
      cutOff.lose(instance, input.edges);
      break;
    case 'edge_back':
      cutOff.giveBack(instance, input.edge);
      break;
    default:
      input satisfies never;
  }
}

function applyJoin(instance: GameInstance, input: JoinInput, wait: (waiting: Waiting) => void): void {
  const { user, name, join, edge } = input;
  const refuse = (code: AnswerError, text: string) => wait({ input, pid: 0, refusal: { code, text } });
  const result = instance.join({ user, name, join, edge });
  switch (result.kind) {
    case 'joined':
      wait({ input, pid: result.pid });
      break;
    case 'stale':
      // Without effect; the answer only helps a caller that still waits.
      refuse('join_outdated', 'a newer join of this player counts');
      break;
    case 'full':
      refuse('game_full', 'the game has no free seat');
      break;
    case 'rejected':
      if (result.reason === 'ended') refuse('game_ended', 'the game has ended');
      else refuse('forbidden', `the game refuses: ${result.reason}`);
      break;
    case 'failed':
      refuse('internal', 'the game could not take the player in');
      break;
    default:
      result satisfies never;
  }
}
