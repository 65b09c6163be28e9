import type { RecordSource } from '../check-logs/sources.ts';
import { CommandError } from '../command.ts';
import type { Definitions } from './definitions.ts';
import { firstOf, readSnapshots, type Step, startsOf, walk } from './walk.ts';

/** A full state so often, in frames: what a jump has to go through at most. */
const STATE_EVERY_FRAMES = 200;
const MAX_FRAMES = 200_000;

/** A game as the page plays it: JSON, bytes in base64. `services/web/page/watch` reads it. */
export interface Recording {
  readonly game: string;
  readonly type: string;
  readonly schema: unknown;
  readonly tickHz: number;
  readonly frames: readonly {
    readonly seq: number;
    readonly epoch: number;
    readonly tick: number;
    readonly at: number | undefined;
    readonly delta: string;
  }[];
  readonly states: readonly { readonly frame: number; readonly bytes: string }[];
  readonly owners: readonly { readonly frame: number; readonly epoch: number; readonly pod: string }[];
  readonly end: string | undefined;
}

/**
 * Replays a game's log from its earliest start and keeps every delta of it, up to the first that does not fit.
 *
 * @throws CommandError when nothing of it can be replayed
 */
export async function recordGame(
  game: string,
  source: RecordSource,
  definitions: Definitions,
): Promise<Recording> {
  const snapshots = await readSnapshots(game, source);
  const { starts, problems } = startsOf(await firstOf(source.game(game)), snapshots, definitions);
  for (const start of starts) {
    const recorder = new Recorder();
    for await (const step of walk(source.game(game), start)) if (!recorder.take(step)) break;
    const recording = recorder.finish(game);
    if (recording !== undefined) return recording;
  }
  const why = problems.length === 0 ? 'there is no log of it' : problems.join('; ');
  throw new CommandError(`Nothing of game ${game} can be played: ${why}.`);
}

class Recorder {
  readonly #frames: Recording['frames'][number][] = [];
  readonly #states: Recording['states'][number][] = [];
  readonly #owners: Recording['owners'][number][] = [];
  #definition: { readonly type: string; readonly tickHz: number; readonly schema: unknown } | undefined;
  #end: string | undefined;

  /** @returns false when there is no more to come */
  take({ seq, timeMs, record, replay, fault }: Step): boolean {
    if (record?.kind === 'claim')
      this.#owners.push({ frame: this.#frames.length, epoch: record.epoch, pod: record.pod });
    if (fault !== undefined) {
      if (this.#definition === undefined) return true;
      this.#end = `Record ${seq} ${fault}.`;
      return false;
    }
    if (record?.kind === 'end') this.#end = `Ended: ${record.reason}.`;
    if (record?.kind !== 'delta' || replay === undefined) return true;
    if (this.#frames.length >= MAX_FRAMES) {
      this.#end = `Only the first ${MAX_FRAMES} records are shown.`;
      return false;
    }
    this.#definition ??= replay.definition;
    if (replay.definition !== this.#definition) {
      this.#end = `It goes on in version ${replay.definition.schemaVersion}.`;
      return false;
    }
    if (this.#frames.length % STATE_EVERY_FRAMES === 0)
      this.#states.push({ frame: this.#frames.length, bytes: base64(replay.sharedState()) });
    const delta = base64(record.parts.shared);
    this.#frames.push({ seq, epoch: record.epoch, tick: record.tick, at: timeMs, delta });
    return true;
  }

  finish(game: string): Recording | undefined {
    if (this.#definition === undefined) return undefined;
    const { type, tickHz, schema } = this.#definition;
    const [frames, states, owners] = [this.#frames, this.#states, this.#owners];
    return { game, type, tickHz, schema, frames, states, owners, end: this.#end };
  }
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
