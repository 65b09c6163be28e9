import { createInstance, type Parts } from '../../src/index.ts';
import { type Action, Driver } from '../actions.ts';
import { sample } from '../sample-game.ts';

/** A log as it was once written: the parts of each record in base64, and the hash of the state after it. */
export interface GoldenLog {
  readonly schemaVersion: number;
  readonly records: readonly GoldenRecord[];
}

export interface GoldenRecord {
  readonly shared: string;
  readonly server: string;
  readonly slices: readonly { readonly pid: number; readonly bytes: string }[];
  readonly hash: number;
}

const command = (user: number, name: string, args: object): Action => ({ do: 'command', user, name, args });

/** Some of everything: joins, hidden hands, events, rejections, a removal, a player who leaves and one who is dropped. */
const ACTIONS: readonly Action[] = [
  { do: 'join', user: 1, name: 'Ann' },
  { do: 'join', user: 2, name: 'Böb 王😀' },
  { do: 'join', user: 3, name: 'Cy' },
  command(1, 'move', { dx: -5, dy: 5 }),
  command(2, 'say', { title: 'é\u0000\ufeff' }),
  command(1, 'draw', {}),
  command(1, 'draw', {}),
  command(1, 'give', { to: 2 }),
  command(2, 'hit', { thing: 2 }),
  command(2, 'wreck', { how: 'reject' }),
  command(3, 'wreck', { how: 'throw' }),
  { do: 'drop', user: 3 },
  { do: 'leave', user: 1 },
];

/** Plays the actions with a tick and a delta after each, and some ticks more. */
export function recordGoldenLog(): GoldenLog {
  const driver = new Driver(createInstance(sample, { seed: 2026, options: { things: 6 } }));
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  const take = (): GoldenRecord => {
    const { shared, server, slices } = driver.instance.encodeDelta();
    return {
      shared: base64(shared),
      server: base64(server),
      slices: slices.map(({ pid, bytes }) => ({ pid, bytes: base64(bytes) })),
      hash: driver.instance.hash(),
    };
  };
  const records = [take()];
  for (const action of [...ACTIONS, ...Array.from({ length: 6 }, (): Action => ({ do: 'step' }))]) {
    driver.play(action);
    driver.play({ do: 'step' });
    records.push(take());
  }
  return { schemaVersion: sample.schemaVersion, records };
}

export function partsOf(record: GoldenRecord): Parts {
  const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'));
  return {
    shared: bytes(record.shared),
    server: bytes(record.server),
    slices: record.slices.map((slice) => ({ pid: slice.pid, bytes: bytes(slice.bytes) })),
  };
}
