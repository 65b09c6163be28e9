import type { Clock } from '../clock.ts';
import type { CommonSchema, ProcessSchema } from '../config/common.ts';
import type { Config, Schema } from '../config/load.ts';
import type { Health } from '../health/checks.ts';
import type { Lifecycle, ShutdownResult } from '../lifecycle/lifecycle.ts';
import type { Logger } from '../log/logger.ts';
import type { NatsBus } from '../nats/bus.ts';
import type { MetricRegistry } from '../telemetry/metrics.ts';
import type { Tracer } from '../telemetry/tracer.ts';

/** Fields that a service adds to its `ready` line. */
export type Announcement = Readonly<Record<string, string | number>>;

/** What the `app` of a service without NATS gets. */
export interface BareContext<C> {
  readonly config: C;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
  readonly health: Health;
  /** `metrics.register(table)` gives the handles of the service's own table. */
  readonly metrics: MetricRegistry;
  readonly tracer: Tracer;
  readonly clock: Clock;
  /** Adds fields to the one `ready` log line, such as a public port. Call it before the start is over. */
  announce(fields: Announcement): void;
}

/** What the `app` of a service gets. */
export interface ServiceContext<C> extends BareContext<C> {
  readonly nats: NatsBus;
}

/** Parsed settings of a service whose own settings are `S`. */
export type ServiceConfig<S extends Schema> = Config<S & CommonSchema>;
export type BareServiceConfig<S extends Schema> = Config<S & ProcessSchema>;

export interface BareServiceDefinition<S extends Schema> {
  /** `edge`, `chat`, …: the service's name in logs, metrics and variables. */
  readonly name: string;
  /** `{ ...processSettings, … }` */
  readonly schema: S & ProcessSchema;
  /** Adds the parts of the service to `context.lifecycle`; they start in that order once this returns. */
  readonly app: (context: BareContext<BareServiceConfig<S>>) => void | Promise<void>;
}

export interface ServiceDefinition<S extends Schema> {
  readonly name: string;
  /** `{ ...commonSettings, … }` */
  readonly schema: S & CommonSchema;
  /** At the start nobody is ready before NATS. Later: does the service stay ready while NATS is away? */
  readonly readyWithoutNats: boolean;
  /** Called once NATS is connected. Adds parts to `context.lifecycle`; they start in that order once this returns. */
  readonly app: (context: ServiceContext<ServiceConfig<S>>) => void | Promise<void>;
}

/** A running service inside this process. */
export interface RunningService extends AsyncDisposable {
  readonly instance: string;
  /** Admin port. */
  readonly httpPort: number;
  /** What the service announced, such as `port`. */
  readonly announced: Announcement;
  readonly health: Health;
  readonly log: Logger;
  shutdown(options: { drain: boolean }): Promise<ShutdownResult>;
}
