/** The log of one game, as far as ownership goes: every record is a compare-and-append, and a claim begins an epoch. */

export interface LogRecord {
  readonly kind: 'claim' | 'delta' | 'end';
  readonly epoch: number;
  /** Of one hosting. */
  readonly nonce: string;
  readonly pod: string;
}

export class GameLog {
  /** A record that should not be there. */
  onFault: (fault: string) => void = () => undefined;
  onClaim: (epoch: number) => void = () => undefined;
  readonly #records: LogRecord[] = [];
  #claim: LogRecord | undefined;

  get claim(): LogRecord | undefined {
    return this.#claim;
  }

  get epoch(): number {
    return this.#claim?.epoch ?? 0;
  }

  get tailSeq(): number {
    return this.#records.length;
  }

  get tail(): LogRecord | undefined {
    return this.#records.at(-1);
  }

  get isEnded(): boolean {
    return this.tail?.kind === 'end';
  }

  at(seq: number): LogRecord | undefined {
    return this.#records[seq - 1];
  }

  /** The record's sequence, or undefined when `expectedSeq` is not that of the last record. */
  append(record: LogRecord, expectedSeq: number): number | undefined {
    if (expectedSeq !== this.tailSeq) return undefined;
    const fault = this.#faultOf(record);
    if (fault !== undefined) this.onFault(fault);
    this.#records.push(record);
    if (record.kind === 'claim') {
      this.#claim = record;
      this.onClaim(record.epoch);
    }
    return this.tailSeq;
  }

  #faultOf({ kind, epoch, nonce, pod }: LogRecord): string | undefined {
    if (this.isEnded) return `${pod} appends behind the end`;
    if (kind === 'claim')
      return epoch > this.epoch ? undefined : `${pod} claims ${epoch} after ${this.epoch}`;
    return nonce === this.#claim?.nonce ? undefined : `${pod} appends after another one has claimed`;
  }
}
