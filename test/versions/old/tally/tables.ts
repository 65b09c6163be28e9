import { table, u32 } from '@breakwater/game-kit';

export const tables = {
  counts: table({ visibility: 'all', columns: { value: u32() } }),
  hands: table({ visibility: 'owner', columns: { card: u32() } }),
};
