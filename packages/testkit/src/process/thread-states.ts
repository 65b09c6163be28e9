import { readdirSync, readFileSync } from 'node:fs';

const LIMIT_MS = 1_000;

/**
 * Blocks until SIGSTOP has reached every thread, a fraction of a millisecond as a rule: until then a server
 * may still answer a request that was sent after the signal. Where there is no `/proc` it returns at once.
 */
export function waitUntilStopped(pid: number): void {
  const deadline = performance.now() + LIMIT_MS;
  while (performance.now() < deadline) {
    if (threadStates(pid).every((state) => state === 'T' || state === 't' || state === 'Z')) return;
  }
}

function threadStates(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
      // The state follows the program's name, which is in brackets and may hold brackets itself.
      return stat.charAt(stat.lastIndexOf(')') + 2);
    });
  } catch {
    return [];
  }
}
