import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { decode, parseJson } from '@breakwater/protocol';
import { findClientLogs } from '../check-logs/client-log.ts';
import { type LogLine, logLine } from '../recorder/log-line.ts';

/** Something that one client noticed, from when to when, Unix ms. */
export interface Noticed {
  readonly kind: 'wait' | 'away' | 'reset';
  readonly fromMs: number;
  readonly toMs: number;
  /** A wait over which the game changed its owner. */
  readonly isNewOwner: boolean;
}

/** A player who sees nothing new of a game for so long has noticed, ms. At 20 ticks a second it is ten ticks. */
export const NOTICED_WAIT_MS = 500;

/** What the clients of a run noticed, by when it began. @throws ClientLogError when there is no log */
export async function readNoticed(dir: string): Promise<Noticed[]> {
  const all: Noticed[] = [];
  for (const file of findClientLogs([dir])) {
    const reader = new ClientReader(all);
    for await (const text of createInterface({ input: createReadStream(file) })) {
      const decoded = decode((value) => logLine(parseJson(value as string)), text);
      if (decoded.ok) reader.read(decoded.value);
    }
  }
  return all.sort((a, b) => a.fromMs - b.fromMs);
}

class ClientReader {
  readonly #all: Noticed[];
  readonly #shown = new Map<string, { at: number; readonly epoch: number }>();
  #awaySinceMs: number | undefined;

  constructor(all: Noticed[]) {
    this.#all = all;
  }

  read(line: LogLine): void {
    switch (line.t) {
      case 'state':
        this.#state(line.connected, line.at);
        break;
      case 'room.reset':
        this.#add('reset', line.at, line.at);
        break;
      case 'game.state':
      case 'game.delta':
        this.#show(line.game, line.at, line.epoch);
        break;
      // Not at a join: who gets another seat in between has waited for it.
      case 'game.leave':
        this.#shown.delete(line.game);
        break;
      default:
    }
  }

  #state(isConnected: boolean, at: number): void {
    if (!isConnected) this.#awaySinceMs ??= at;
    else if (this.#awaySinceMs !== undefined) {
      this.#add('away', this.#awaySinceMs, at);
      this.#awaySinceMs = undefined;
      // Who is away waits for the connection; for the game from here on.
      for (const shown of this.#shown.values()) shown.at = at;
    }
  }

  #show(game: string, at: number, epoch: number): void {
    const before = this.#shown.get(game);
    if (before !== undefined && at - before.at >= NOTICED_WAIT_MS)
      this.#add('wait', before.at, at, epoch > before.epoch);
    this.#shown.set(game, { at, epoch });
  }

  #add(kind: Noticed['kind'], fromMs: number, toMs: number, isNewOwner = false): void {
    this.#all.push({ kind, fromMs, toMs, isNewOwner });
  }
}
