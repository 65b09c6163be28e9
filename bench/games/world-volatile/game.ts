import { game as world } from '@breakwater/game-world';

const type = 'world-volatile';

/** The World, shown before it is stored. Whoever breaks an object in it is refused: such a game gives no awards. */
export const game = {
  ...world,
  type,
  durability: 'volatile',
  schema: { ...world.schema, type },
} as const;
