import { type ClientFrameOf, encodeGameFrame } from '@breakwater/protocol';
import { counting, type GameRecord, type HostedGame } from './backend.ts';
import type { EdgeSocket } from './scripted-edge.ts';

/** One socket in one game: joins, then forwards what the log says. */
export class GameSeat {
  /** Deltas are thrown away, as if they had been lost. */
  isLossy = false;
  readonly #socket: EdgeSocket;
  readonly #game: HostedGame;
  readonly #name: string;
  readonly #handle: number;
  readonly #pid: number | undefined;
  readonly #onRecord = (record: GameRecord): void => this.#forward(record);
  #epoch: number;
  /** No command came since the join. */
  #isFresh = true;
  #isUnseated = false;

  constructor(socket: EdgeSocket, game: HostedGame, frame: ClientFrameOf<'game.join'>, handle: number) {
    this.#socket = socket;
    this.#game = game;
    this.#name = frame.game;
    this.#handle = handle;
    this.#epoch = game.epoch;
    const isSpectator = frame.spectate === true;
    const joined = isSpectator
      ? undefined
      : game.instance.join({ user: socket.user, name: 'Ann', join: frame.join });
    this.#pid = joined?.kind === 'joined' ? joined.pid : undefined;
    const ack = joined?.kind === 'joined' ? joined.ack : 0;
    if (!isSpectator) game.commit();
    const { epoch, seq, pod } = game;
    socket.send({
      t: 'game.joined',
      id: frame.id,
      game: frame.game,
      join: frame.join,
      handle,
      ...(this.#pid !== undefined && { pid: this.#pid }),
      ack,
      epoch,
      seq,
      pod,
      schema: counting.schema,
      ...(game.isVolatile && { volatile: true as const }),
    });
    this.sendState();
    game.feed.add(this.#onRecord);
  }

  gone(): void {
    this.#game.feed.delete(this.#onRecord);
  }

  command(n: number, name: string, args: unknown): void {
    if (this.#isUnseated) this.#refuse();
    if (this.#game.isDeaf || this.#pid === undefined || this.#isUnseated) return;
    if (this.#isFresh && this.#game.isVolatile) this.#skipTo(this.#pid, n);
    this.#isFresh = false;
    this.#game.instance.command(this.#pid, n, name, args);
  }

  /** What lies between was forgotten with the owner before. */
  #skipTo(pid: number, n: number): void {
    const { instance } = this.#game;
    for (let next = (instance.ackOf(pid) ?? 0) + 1; next < n; next++)
      instance.command(pid, next, 'forgotten', {});
  }

  #refuse(): void {
    this.#socket.send({ t: 'error', code: 'not_joined', message: 'join first', game: this.#name });
  }

  sendState(): void {
    const { epoch, seq, instance } = this.#game;
    const parts = instance.encodeState();
    const slice = this.#sliceOf(parts.slices) ?? new Uint8Array();
    this.#write({
      kind: 'state',
      handle: this.#handle,
      epoch,
      seq,
      tick: parts.tick,
      shared: parts.shared,
      slice,
    });
  }

  #forward({ epoch, seq, prev, parts }: GameRecord): void {
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#socket.send({ t: 'game.owner', game: this.#name, epoch, pod: this.#game.pod });
      this.#isUnseated = this.#game.isVolatile && this.#pid !== undefined;
      if (this.#isUnseated) this.#refuse();
    }
    if (parts === undefined || this.isLossy || this.#isUnseated) return;
    const slice = this.#sliceOf(parts.slices);
    const head = { handle: this.#handle, epoch, seq };
    if (slice !== undefined) this.#write({ kind: 'slice', ...head, slice });
    this.#write({ kind: 'delta', ...head, prev, tick: parts.tick, shared: parts.shared });
  }

  #sliceOf(slices: readonly { readonly pid: number; readonly bytes: Uint8Array }[]): Uint8Array | undefined {
    return slices.find((slice) => slice.pid === this.#pid)?.bytes;
  }

  #write(frame: Parameters<typeof encodeGameFrame>[0]): void {
    if (this.#socket.ws.readyState === this.#socket.ws.OPEN) this.#socket.ws.send(encodeGameFrame(frame));
  }
}
