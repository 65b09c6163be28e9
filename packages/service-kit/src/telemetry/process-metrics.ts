import type { KitMetrics } from './kit-metrics.ts';

const CACHE_MS = 1_000;

/** Memory and CPU of the process, read when somebody looks and at most once a second. */
export function observeProcess(
  metrics: KitMetrics,
  sources: { lagMs(): number; droppedLogLines(): number },
): void {
  let memory = process.memoryUsage();
  let readMs = performance.now();
  const fresh = () => {
    if (performance.now() - readMs > CACHE_MS) {
      memory = process.memoryUsage();
      readMs = performance.now();
    }
    return memory;
  };
  metrics.residentMemory.observe(() => fresh().rss);
  metrics.heapUsed.observe(() => fresh().heapUsed);
  metrics.cpuSeconds.observe(() => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  metrics.startTime.set(Math.floor(Date.now() / 1000 - process.uptime()));
  metrics.eventLoopLag.observe(() => sources.lagMs() / 1000);
  metrics.droppedLogLines.observe(() => sources.droppedLogLines());
}
