import { systemClock } from '../clock.ts';
import type { ProcessSchema } from '../config/common.ts';
import type { Config } from '../config/load.ts';
import { Health } from '../health/checks.ts';
import { EventLoopLag } from '../health/event-loop.ts';
import { AdminServer } from '../health/server.ts';
import { Lifecycle } from '../lifecycle/lifecycle.ts';
import type { LogOutput } from '../log/logger.ts';
import { type KitMetrics, kitMetrics } from '../telemetry/kit-metrics.ts';
import { MetricRegistry } from '../telemetry/metrics.ts';
import { observeProcess } from '../telemetry/process-metrics.ts';
import { startTelemetry, type Telemetry } from '../telemetry/telemetry.ts';
import { noopTracer, type Tracer } from '../telemetry/tracer.ts';
import type { Announcement, BareContext } from './definition.ts';

/** The parts of a service before its `app`: made once, used by both kinds. */
export interface Foundation<C> {
  readonly context: BareContext<C>;
  readonly output: LogOutput;
  readonly kit: KitMetrics;
  readonly admin: AdminServer;
  readonly announced: Announcement;
}

export type ProcessConfig = Config<ProcessSchema>;

/** A tracer that stands in until telemetry has started. */
class LateTracer implements Tracer {
  #tracer: Tracer = noopTracer;

  use(tracer: Tracer): void {
    this.#tracer = tracer;
  }

  get enabled(): boolean {
    return this.#tracer.enabled;
  }

  startSpan: Tracer['startSpan'] = (name, parent, attributes) =>
    this.#tracer.startSpan(name, parent, attributes);
  withSpan: Tracer['withSpan'] = (name, parent, fn, attributes) =>
    this.#tracer.withSpan(name, parent, fn, attributes);
  inject: Tracer['inject'] = (parent, headers) => this.#tracer.inject(parent, headers);
  extract: Tracer['extract'] = (headers) => this.#tracer.extract(headers);
}

function addTelemetry(
  lifecycle: Lifecycle,
  name: string,
  config: ProcessConfig,
  registry: MetricRegistry,
  kit: KitMetrics,
  tracer: LateTracer,
): void {
  let telemetry: Telemetry | undefined;
  lifecycle.add('telemetry', {
    start: async () => {
      telemetry = await startTelemetry({
        service: name,
        instance: config.instance,
        endpoint: config.otlpEndpoint,
        intervalMs: config.otlpIntervalMs,
        sampleRatio: config.traceSampleRatio,
        registry,
        metrics: kit,
      });
      tracer.use(telemetry.tracer);
    },
    stop: () => telemetry?.stop(1_500),
  });
}

function addHealth(
  lifecycle: Lifecycle,
  health: Health,
  kit: KitMetrics,
  config: ProcessConfig,
  output: LogOutput,
): void {
  let lag: EventLoopLag | undefined;
  health.addLiveness('event_loop', () => {
    const lagMs = lag?.lagMs() ?? 0;
    return lagMs < config.livenessLagMs
      ? undefined
      : `the event loop was blocked for ${Math.round(lagMs)} ms`;
  });
  lifecycle.add('event-loop-watch', {
    start: () => {
      lag = new EventLoopLag();
      observeProcess(kit, { lagMs: () => lag?.lagMs() ?? 0, droppedLogLines: () => output.droppedLines() });
    },
    stop: () => lag?.[Symbol.dispose](),
  });
}

/** Config to admin server: what every service has. Nothing is started yet. */
export function lay<C extends ProcessConfig>(name: string, config: C, output: LogOutput): Foundation<C> {
  const { log } = output;
  const lifecycle = new Lifecycle({
    log,
    drainDelayMs: config.drainDelayMs,
    drainDeadlineMs: config.drainDeadlineMs,
    stopDeadlineMs: config.stopDeadlineMs,
  });
  const metrics = new MetricRegistry();
  const kit = metrics.register(kitMetrics);
  const health = new Health();
  const tracer = new LateTracer();
  const admin = new AdminServer({ host: config.httpHost, port: config.httpPort, health, registry: metrics });
  const announced: Record<string, string | number> = {};
  lifecycle.ending.addEventListener('abort', () => health.markEnding(), { once: true });
  addTelemetry(lifecycle, name, config, metrics, kit, tracer);
  addHealth(lifecycle, health, kit, config, output);
  lifecycle.add('admin-server', { start: () => admin.start(), stop: () => admin.stop() });
  const announce = (fields: Announcement) => void Object.assign(announced, fields);
  const context = { config, log, lifecycle, health, metrics, tracer, clock: systemClock, announce };
  return { context, output, kit, admin, announced };
}
