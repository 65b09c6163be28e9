/** Shown is committed: every state is the log's at its sequence, and the deltas after it are the log's, all of them. */

import type { Evidence } from './evidence.ts';
import { recordOf } from './evidence.ts';
import type { Shown } from './watcher.ts';

/** What the log says that a player may be shown at one sequence. */
export interface Committed {
  readonly epoch: number;
  readonly tick: number;
  readonly shared: Uint8Array;
  /** By pid: the last command applied. */
  readonly acks: ReadonlyMap<number, number>;
}

export function shownFaults(
  { records, shown }: Evidence,
  committed: ReadonlyMap<number, Committed>,
): string[] {
  const deltaSeqs = records.filter((each) => recordOf(each).kind === 'delta').map(({ seq }) => seq);
  return [...shown].flatMap(([user, all]) => {
    const viewer = new Viewer(committed, deltaSeqs);
    return all.flatMap((each) => viewer.see(each).map((fault) => `${user} ${fault}`));
  });
}

class Viewer {
  readonly #committed: ReadonlyMap<number, Committed>;
  readonly #deltaSeqs: readonly number[];
  /** Index of the first delta that was not seen. */
  #next = 0;
  #epoch = 0;
  #seq = 0;

  constructor(committed: ReadonlyMap<number, Committed>, deltaSeqs: readonly number[]) {
    this.#committed = committed;
    this.#deltaSeqs = deltaSeqs;
  }

  see(shown: Shown): string[] {
    const { epoch, seq } = shown.kind === 'state' ? shown.reply : shown;
    const faults: string[] = [];
    if (epoch < this.#epoch || seq < this.#seq) faults.push(`was taken back from ${this.#seq} to ${seq}`);
    if (shown.kind === 'state') faults.push(...this.#stateFaults(shown));
    else if (seq !== this.#deltaSeqs[this.#next]) faults.push(`missed a delta before ${seq}`);
    this.#epoch = epoch;
    this.#seq = seq;
    while ((this.#deltaSeqs[this.#next] ?? Number.POSITIVE_INFINITY) <= seq) this.#next += 1;
    return faults;
  }

  #stateFaults({ reply }: Shown & { kind: 'state' }): string[] {
    const committed = this.#committed.get(reply.seq);
    if (committed === undefined) return [`was shown a state at ${reply.seq} of no record`];
    const isSame =
      Buffer.compare(reply.parts.shared, committed.shared) === 0 && reply.tick === committed.tick;
    if (!isSame) return [`was shown another state than the log holds at ${reply.seq}`];
    if (reply.epoch !== committed.epoch)
      return [`was told epoch ${reply.epoch} for a record of ${committed.epoch}`];
    const ack = committed.acks.get(reply.pid) ?? 0;
    return reply.ack === ack ? [] : [`was told ${reply.ack} commands are applied, the log says ${ack}`];
  }
}
