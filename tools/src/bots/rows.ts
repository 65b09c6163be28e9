import type { BotView } from '@breakwater/game-world/bot';

type RowOf<M> = M extends ReadonlyMap<number, infer R> ? R : never;

/** Of the World's tables, those that its bot looks at. */
export type WorldRows = {
  readonly players: RowOf<BotView['players']>;
  readonly objects: RowOf<BotView['objects']>;
};
