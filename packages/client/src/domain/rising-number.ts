/** A number that rises with each use, also over a reload: the server's time in ms, or one more than the last. */
export function nextRising(serverMs: number, last: number, stored: string | undefined): number {
  const kept = stored !== undefined && /^[0-9]{1,15}$/.test(stored) ? Number(stored) : 0;
  return Math.max(1, Math.floor(serverMs), last + 1, kept + 1);
}
