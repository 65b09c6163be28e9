/**
 * When each of `count` clients shall move, in ms from now: evenly over `spreadMs` with a jitter within each share, so
 * that they neither come at once nor in the order in which they connected.
 */
export function moveTimes(count: number, spreadMs: number, random: () => number): number[] {
  const shareMs = spreadMs / Math.max(1, count);
  const times = Array.from({ length: count }, (_, index) => Math.floor((index + random()) * shareMs));
  for (let last = times.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [times[last], times[other]] = [times[other]!, times[last]!];
  }
  return times;
}
