import {
  connectBus,
  createLogOutput,
  kitMetrics,
  MetricRegistry,
  type NatsBus,
} from '@breakwater/service-kit';
import { startNats } from '@breakwater/testkit';

/** A nats-server of its own and a connection to it, as a service has one. */
export async function openBus(): Promise<{ bus: NatsBus; url: string } & AsyncDisposable> {
  const nats = await startNats();
  const { log } = createLogOutput({ service: 'test', instance: 'test', level: 'silent' });
  const metrics = new MetricRegistry().register(kitMetrics);
  const bus = await connectBus({ servers: [nats.url], name: 'test', log, metrics });
  const stop = async () => {
    await bus.drain();
    await nats.stop();
  };
  return { bus, url: nats.url, [Symbol.asyncDispose]: stop };
}
