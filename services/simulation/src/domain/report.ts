/** What is told about the hosted games: whole on request, and at every heartbeat what changed. */

import type { HostedGame } from '@breakwater/bus';

/** Heartbeats that repeat the line of a game that is over: they travel without acknowledgement. */
const REPEATS = 10;
const MAX_JOINED = 10_000;

interface Over {
  readonly line: HostedGame;
  left: number;
}

export class Report {
  readonly #last = new Map<string, string>();
  readonly #over = new Map<string, Over>();
  readonly #joined = new Map<string, Set<string>>();

  /** A user took a seat. */
  joined(game: string, user: string): void {
    let users = this.#joined.get(game);
    if (users === undefined) {
      users = new Set();
      this.#joined.set(game, users);
    }
    if (users.size < MAX_JOINED) users.add(user);
  }

  /** A game has ended or failed here. */
  over(line: HostedGame): void {
    this.#over.set(line.game, { line, left: REPEATS });
  }

  /** Lines for one heartbeat: hosted games whose line is new or different, and games that were lately over. */
  changes(hosted: readonly HostedGame[]): HostedGame[] {
    const changed: HostedGame[] = [];
    for (const line of hosted) {
      const joined = this.#takeJoined(line.game);
      const text = `${line.epoch} ${line.state} ${line.players}`;
      if (joined === undefined && this.#last.get(line.game) === text) continue;
      this.#last.set(line.game, text);
      changed.push(joined === undefined ? line : { ...line, joined });
    }
    this.#forget(hosted);
    return changed.concat(this.#takeOver(hosted));
  }

  #takeJoined(game: string): string[] | undefined {
    const users = this.#joined.get(game);
    if (users === undefined) return undefined;
    this.#joined.delete(game);
    return [...users];
  }

  #takeOver(hosted: readonly HostedGame[]): HostedGame[] {
    for (const { game } of hosted) this.#over.delete(game);
    const lines = Array.from(this.#over.values(), (over) => {
      over.left -= 1;
      return over.line;
    });
    for (const [game, { left }] of this.#over) if (left <= 0) this.#over.delete(game);
    return lines;
  }

  #forget(hosted: readonly HostedGame[]): void {
    if (this.#last.size <= hosted.length && this.#joined.size === 0) return;
    const here = new Set(hosted.map(({ game }) => game));
    for (const game of this.#last.keys()) if (!here.has(game)) this.#last.delete(game);
    for (const game of this.#joined.keys()) if (!here.has(game)) this.#joined.delete(game);
  }
}
