import type { BareContext, BareServiceConfig } from '@breakwater/service-kit';
import { PageServer } from './adapters/page-server.ts';
import type { schema } from './config.ts';
import { metrics as metricTable } from './metrics.ts';

/** Composes the page's server. */
export function app(context: BareContext<BareServiceConfig<typeof schema>>): void {
  const { config, lifecycle, announce } = context;
  const metrics = context.metrics.register(metricTable);
  const server = new PageServer(config, (statusClass) => metrics.requests.add(1, { class: statusClass }));
  lifecycle.add('page', {
    start: async () => announce({ port: await server.start() }),
    stop: () => server.stop(),
  });
}
