import type { GameDefinition } from './define.ts';
import type { EncodedParts } from './encode.ts';
import { GameError } from './errors.ts';
import { hashParts } from './hash.ts';
import { GameInstance } from './instance.ts';
import type { InstanceOptions } from './results.ts';

/** The parts of a state or delta as a record or snapshot holds them. */
export type Parts = Omit<EncodedParts, 'tick'>;

/** A new game of this type: options decoded, tables seeded, `setup` run. Throws `GameError`. */
export function createInstance<T, O, C>(
  definition: GameDefinition<T, O, C>,
  options: InstanceOptions,
): GameInstance<T> {
  const instance = new GameInstance<T>(definition as unknown as GameDefinition, options);
  instance.begin(options);
  const bytes = stateBytes(instance.encodeState());
  if (bytes > definition.maxStateBytes) {
    throw new GameError(
      'too_large',
      `the state takes ${bytes} bytes, more than maxStateBytes (${definition.maxStateBytes})`,
    );
  }
  return instance;
}

/** A game before its first delta, `setup` not run: where the replay of a whole log begins. */
export function emptyInstance<T, O, C>(
  definition: GameDefinition<T, O, C>,
  options: InstanceOptions,
): GameInstance<T> {
  return new GameInstance<T>(definition as unknown as GameDefinition, options);
}

/** A game from its encoded state; goes on exactly as the one that encoded it. Throws `ReplicaError` or `GameError`. */
export function hydrate<T, O, C>(
  definition: GameDefinition<T, O, C>,
  parts: Parts,
  options: InstanceOptions,
): GameInstance<T> {
  const instance = new GameInstance<T>(definition as unknown as GameDefinition, options);
  instance.load(parts);
  return instance;
}

/** Bytes of a full state, all parts. */
export function stateBytes(parts: Parts): number {
  return parts.slices.reduce(
    (sum, slice) => sum + slice.bytes.length,
    parts.shared.length + parts.server.length,
  );
}

/** Development check: hydrates a copy from the encoding and compares. Throws `GameError('misuse')` on a difference. */
export function verifyInstance<T>(instance: GameInstance<T>): void {
  const state = instance.encodeState();
  const copy = hydrate(instance.definition, state, instance.madeWith);
  if (copy.hash() === hashParts(state)) return;
  const { type } = instance.definition;
  throw new GameError('misuse', `${type}: the state at tick ${instance.tick} does not survive its encoding`);
}
