import { decodeGameRecord } from '@breakwater/bus';
import { commandsOf, type Plan } from './command.ts';
import { recordOf } from './evidence.ts';
import { watcherPorts } from './model-edge.ts';
import type { ModelKind } from './model-world.ts';
import { play } from './run-plan.ts';
import type { VolatileSeam } from './volatile-bugs.ts';
import { volatileFaultsOf } from './volatile-rules.ts';
import { Mine, TWITCH } from './volatile-twitch.ts';
import { VolatileWatcher } from './volatile-watcher.ts';

function volatileKind(seam: VolatileSeam): ModelKind<VolatileWatcher> {
  const mine = new Mine();
  return {
    game: mine.under({ ...TWITCH, owner: { ...TWITCH.owner, ...seam.owner } }),
    players({ broker, link, clock }) {
      const ports = watcherPorts(broker, link, clock);
      const watcher = new VolatileWatcher({
        ...ports,
        tailEpoch: async () => (await ports.tail())?.record.epoch ?? 0,
        breakStep: () => {
          mine.isArmed = true;
        },
      });
      broker.subscribeFeed(link, (message) => watcher.onRecord(recordOf(message)));
      broker.subscribeLive(link, (bytes) => {
        const decoded = decodeGameRecord(bytes);
        if (!decoded.ok || decoded.value.kind !== 'delta') throw new Error('no delta');
        watcher.onDelta(decoded.value, seam.headOf?.(decoded.value, watcher.place));
      });
      return watcher;
    },
  };
}

/** Everything that was wrong in one run of a plan with a volatile game. */
export async function runVolatile(plan: Plan, seam: VolatileSeam = {}): Promise<string[]> {
  const { broker, players, fleet, violations } = await play(volatileKind(seam), plan, seam);
  const faults = volatileFaultsOf({
    records: broker.log.archive,
    snapshots: broker.snapshots.archive,
    shown: new Map(Array.from(players.members, ([user, { shown }]) => [user, shown])),
    leftInOrder: fleet.leftInOrder,
    damages: commandsOf(plan).filter(({ kind }) => kind === 'damage').length,
  });
  return [...violations, ...faults, ...players.countFaults()];
}
