import { setTimeout as sleep } from 'node:timers/promises';
import { BusError } from '@breakwater/service-kit';
import { type Caller, newId } from './harness.ts';

interface Sent {
  readonly text: string;
  /** Sequences that were acknowledged, over all tries. */
  readonly acked: number[];
}

/**
 * Clients that send one message after the other, each until it is acknowledged, as the SDK does: the same id and
 * text again after every answer that may be retried.
 */
export class Load {
  readonly sent: Sent[] = [];
  readonly codes = new Map<string, number>();
  readonly #clients: Promise<void>[];
  #isStopping = false;

  constructor(callers: readonly Caller[], room: string) {
    this.#clients = callers.map((caller) => this.#run(caller, room));
  }

  get ackedCount(): number {
    return this.sent.filter(({ acked }) => acked.length > 0).length;
  }

  /** Lets every message under way be acknowledged, then ends. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#clients);
  }

  async #run(caller: Caller, room: string): Promise<void> {
    for (let n = 0; !this.#isStopping; n++) {
      const message = { text: `${caller.user} ${n}`, acked: [] as number[] };
      this.sent.push(message);
      const msg = newId();
      for (let tries = 0; message.acked.length === 0; tries++) {
        await this.#try(caller, room, msg, message, tries > 0);
      }
      // Now and then the acknowledgement is lost on the way, and the client asks again.
      if (n % 5 === 0) await this.#try(caller, room, msg, message, true);
      await sleep(1);
    }
  }

  async #try(caller: Caller, room: string, msg: string, message: Sent, resend: boolean): Promise<void> {
    try {
      const { seq } = await caller.send(room, msg, message.text, { resend });
      message.acked.push(seq);
    } catch (error) {
      if (!(error instanceof BusError)) throw error;
      const code = error.remote?.code ?? error.code;
      this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
      await sleep(20);
    }
  }
}

/** Everything that is wrong between what was acknowledged and what the log holds. */
export function faultsOf(sent: readonly Sent[], log: readonly { seq: number; text: string }[]): string[] {
  const seqs = new Map<string, number[]>();
  for (const { seq, text } of log) seqs.set(text, [...(seqs.get(text) ?? []), seq]);
  const faults: string[] = [];
  for (const { text, acked } of sent) {
    const stored = seqs.get(text) ?? [];
    if (stored.length > 1) faults.push(`"${text}" is stored ${stored.length} times`);
    for (const seq of acked) {
      if (stored[0] !== seq) faults.push(`"${text}" was acknowledged as ${seq} and is stored at ${stored}`);
    }
  }
  return faults;
}
