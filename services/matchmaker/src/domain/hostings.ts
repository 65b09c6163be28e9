import { digestOf, type HostedGame } from '@breakwater/bus';

/** Where a game is hosted, by what the process said. */
export interface Hosting {
  readonly pod: string;
  readonly line: HostedGame;
}

/** Which process hosts which game, as heard: first whole lists, then changes, checked by digest. */
export class Hostings {
  readonly #byPod = new Map<string, Map<string, HostedGame>>();
  readonly #podsOf = new Map<string, Set<string>>();

  /** The whole of what a process hosts. */
  replace(pod: string, games: readonly HostedGame[]): void {
    this.drop(pod);
    this.change(pod, games);
  }

  change(pod: string, games: readonly HostedGame[]): void {
    const hosted = this.#byPod.get(pod) ?? new Map<string, HostedGame>();
    this.#byPod.set(pod, hosted);
    for (const line of games) {
      if (isOver(line)) {
        this.#forget(pod, line.game);
        continue;
      }
      hosted.set(line.game, line);
      const pods = this.#podsOf.get(line.game) ?? new Set<string>();
      this.#podsOf.set(line.game, pods.add(pod));
    }
  }

  /** The process is gone, and what it hosted with it. */
  drop(pod: string): void {
    for (const game of [...(this.#byPod.get(pod)?.keys() ?? [])]) this.#forget(pod, game);
    this.#byPod.delete(pod);
  }

  digest(pod: string): number {
    return digestOf(this.#byPod.get(pod)?.values() ?? []);
  }

  /** The hosting with the highest epoch; `undefined` when no process is known to host the game. */
  of(game: string): Hosting | undefined {
    let best: Hosting | undefined;
    for (const pod of this.#podsOf.get(game) ?? []) {
      const line = this.#byPod.get(pod)?.get(game);
      if (line !== undefined && isHosted(line) && (best === undefined || line.epoch > best.line.epoch))
        best = { pod, line };
    }
    return best;
  }

  /** The games of a process. */
  on(pod: string): HostedGame[] {
    return [...(this.#byPod.get(pod)?.values() ?? [])].filter(isHosted);
  }

  /** The process does not host this game any more. */
  forget(pod: string, game: string): void {
    this.#forget(pod, game);
  }

  #forget(pod: string, game: string): void {
    this.#byPod.get(pod)?.delete(game);
    const pods = this.#podsOf.get(game);
    pods?.delete(pod);
    if (pods?.size === 0) this.#podsOf.delete(game);
  }
}

/** A process tells of a game that is over and counts it no more. */
function isOver(line: HostedGame): boolean {
  return line.state === 'ended' || line.state === 'failed';
}

function isHosted(line: HostedGame): boolean {
  return line.state === 'running' || line.state === 'sleeping';
}
