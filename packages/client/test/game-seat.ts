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
    });
    this.sendState();
    game.feed.add(this.#onRecord);
  }

  gone(): void {
    this.#game.feed.delete(this.#onRecord);
  }

  command(n: number, name: string, args: unknown): void {
    if (this.#game.isDeaf || this.#pid === undefined) return;
    this.#game.instance.command(this.#pid, n, name, args);
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
    }
    if (parts === undefined || this.isLossy) return;
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
