import type { CommonSchema } from '../config/common.ts';
import type { Config } from '../config/load.ts';
import { connectBus, type NatsBus } from '../nats/bus.ts';
import { untilReachable } from '../nats/until-reachable.ts';
import type { ServiceContext } from './definition.ts';
import type { Foundation } from './foundation.ts';

export type CommonConfig = Config<CommonSchema>;

/** Adds NATS and then the app, which needs it. */
export function addNats<C extends CommonConfig>(
  foundation: Foundation<C>,
  name: string,
  readyWithoutNats: boolean,
  app: (context: ServiceContext<C>) => void | Promise<void>,
): void {
  const { context, kit } = foundation;
  const { config, log, lifecycle, health } = context;
  let nats: NatsBus | undefined;
  let wasConnected = false;
  health.addLiveness('nats_closed', () =>
    nats?.isClosed && lifecycle.state === 'running' ? 'the NATS connection is closed for good' : undefined,
  );
  health.addReadiness('nats', () => {
    wasConnected ||= nats?.isConnected ?? false;
    if (nats?.serverFault !== undefined) return nats.serverFault;
    const mayBeAway = wasConnected && readyWithoutNats;
    return mayBeAway || nats?.isConnected ? undefined : 'not connected to NATS';
  });
  lifecycle.add('nats', {
    start: async () => {
      const options = {
        servers: config.natsUrl,
        name: config.instance,
        log,
        metrics: kit,
        user: config.natsUser,
        password: config.natsPassword?.reveal(),
        caFile: config.natsCaFile,
        inboxPrefix: `_INBOX.${name}`,
      };
      nats = await connectBus(options, lifecycle.ending);
      wasConnected = true;
      const bus = nats;
      bus.assertServer({ replicas: config.replicas });
      // A server takes connections before its JetStream does; without it no service can start.
      await untilReachable(() => bus.checkJetStream(), { log, signal: lifecycle.ending });
    },
    stop: () => nats?.drain(),
  });
  lifecycle.add(name, {
    start: async () => {
      if (nats !== undefined) await app({ ...context, nats });
    },
  });
}
