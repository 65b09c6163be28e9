/** Spreads rooms and games over streams. The count is fixed at install: changing it would lose them. */

/** FNV-1a over the id's code units (ids are ASCII), then modulo. */
export function partitionOf(id: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < id.length; index++) {
    hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % partitions;
}
