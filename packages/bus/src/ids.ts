/** Ids that may become part of a subject or key. The only way to make one is to check it. */

import { isId } from '@breakwater/protocol';

declare const brand: unique symbol;
type Branded<B extends string> = string & { readonly [brand]: B };

export type RoomId = Branded<'room'>;
export type GameId = Branded<'game'>;
export type UserId = Branded<'user'>;
export type EdgeId = Branded<'edge'>;
export type PodId = Branded<'pod'>;

/** An id that would change a subject's meaning. Its text is kept out of the message on purpose. */
export class InvalidIdError extends Error {
  override readonly name = 'InvalidIdError';
}

function brandId<T extends string>(kind: string): (value: string) => T {
  return (value) => {
    if (!isId(value))
      throw new InvalidIdError(`not a ${kind} id: must be 1 to 64 characters of A-Z a-z 0-9 _ -`);
    return value as T;
  };
}

export const roomId = brandId<RoomId>('room');
export const gameId = brandId<GameId>('game');
export const userId = brandId<UserId>('user');
export const edgeId = brandId<EdgeId>('edge');
export const podId = brandId<PodId>('pod');
