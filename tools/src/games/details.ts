import { decode, int, json, literal, loose, optional, parseJson, record } from '@breakwater/protocol';

/** What a game was created with. */
export interface GameDetails {
  readonly options: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** Said of volatile games only. */
  readonly durability?: 'volatile';
}

const gameDetails = loose({
  options: record(json(), 64),
  seed: int(0),
  durability: optional(literal('volatile')),
});

/** Reads the details of a claim or snapshot. @throws Error when they are none */
export function readDetails(text: string): GameDetails {
  const decoded = decode((value) => gameDetails(parseJson(value as string, 32)), text);
  if (!decoded.ok) throw new Error(`the details of the game cannot be read: ${decoded.error.sentence}`);
  return decoded.value;
}
