/** Prints which OpenTelemetry packages the kit loads, with the collector of the first argument or without one. */
import { registerHooks } from 'node:module';

const loaded = new Set<string>();
registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith('@opentelemetry/')) loaded.add(specifier);
    return next(specifier, context);
  },
});

const { kitMetrics, MetricRegistry } = await import('../src/index.ts');
const { startTelemetry } = await import('../src/telemetry/telemetry.ts');
const registry = new MetricRegistry();
const telemetry = await startTelemetry({
  service: 'probe',
  instance: 'probe-1',
  endpoint: process.argv[2],
  intervalMs: 60_000,
  sampleRatio: 1,
  registry,
  metrics: registry.register(kitMetrics),
});
await telemetry.stop(100);
console.log(JSON.stringify([...loaded].sort()));
