/**
 * Records that were forwarded while somebody waits for full state: attached before the state was asked for, so that
 * nothing falls between. Bounded; what falls out at the front raises the floor below which no state can be used.
 */
export class Recent<T extends { readonly seq: number }> {
  readonly #maxRecords: number;
  #records: T[] = [];
  #waiting = 0;
  #floor = Number.POSITIVE_INFINITY;

  constructor(maxRecords: number) {
    this.#maxRecords = maxRecords;
  }

  get isNeeded(): boolean {
    return this.#waiting > 0;
  }

  /** Somebody begins to wait. `position`: sequence forwarded last, undefined while there is none. */
  attach(position: number | undefined): void {
    this.#waiting += 1;
    if (this.#waiting === 1) this.restart(position);
  }

  detach(): void {
    this.#waiting -= 1;
    if (this.#waiting === 0) this.restart(undefined);
  }

  /** What is forwarded from now on follows this sequence. */
  restart(position: number | undefined): void {
    this.#records = [];
    this.#floor = position ?? Number.POSITIVE_INFINITY;
  }

  add(record: T): void {
    if (this.#waiting === 0) return;
    this.#records.push(record);
    if (this.#records.length > this.#maxRecords) this.#floor = this.#records.shift()!.seq;
  }

  /** Everything after `seq`, or undefined when that is not known any more. */
  after(seq: number): readonly T[] | undefined {
    return seq < this.#floor ? undefined : this.#records.filter((record) => record.seq > seq);
  }
}
