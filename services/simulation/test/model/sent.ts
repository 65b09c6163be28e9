import type { Play } from './command.ts';

/** Which command stands behind which number of which seat: whoever numbers never changes it. */
export class Sent {
  readonly #byPid = new Map<number, Map<number, Play>>();

  /** Seats that anything was sent for. */
  pids(): number[] {
    return [...this.#byPid.keys()];
  }

  next(pid: number, name: Play): number {
    const numbers = this.#byPid.get(pid) ?? new Map<number, Play>();
    this.#byPid.set(pid, numbers);
    const n = numbers.size + 1;
    numbers.set(n, name);
    return n;
  }

  nameOf(pid: number, n: number): Play {
    return this.#byPid.get(pid)?.get(n) ?? 'add';
  }

  /**
   * Numbers above `ack`, for a resend. One that made the step throw was never stored, and its sender has given it up:
   * another command takes its number.
   */
  after(pid: number, ack: number): number[] {
    const numbers = this.#byPid.get(pid) ?? new Map<number, Play>();
    for (const [n, name] of numbers) if (n > ack && name === 'breakStep') numbers.set(n, 'add');
    return [...numbers.keys()].filter((n) => n > ack);
  }

  /** What the game must have counted for this seat when `ack` commands were applied. */
  countOf(pid: number, name: Play, ack: number): number {
    const numbers = this.#byPid.get(pid) ?? new Map<number, Play>();
    let count = 0;
    for (const [n, each] of numbers) if (n <= ack && each === name) count += 1;
    return count;
  }
}
