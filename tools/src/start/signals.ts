/** A Ctrl-C reaches us from the terminal, from npm and from the bootstrap: within this time it is one. */
const SAME_KEYSTROKE_MS = 500;

/**
 * Listens for the wish to end, by signal or because nobody reads our output any more.
 *
 * @param onWish called once for the first wish and once for a later, impatient one
 */
export function listenForStop(onWish: (isImpatient: boolean) => void): void {
  let firstMs: number | undefined;
  const wish = () => {
    const nowMs = performance.now();
    if (firstMs === undefined) {
      firstMs = nowMs;
      onWish(false);
    } else if (nowMs - firstMs > SAME_KEYSTROKE_MS) {
      onWish(true);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, wish);
  process.stdout.on('error', wish);
}
