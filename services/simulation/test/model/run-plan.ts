import { GameFactory } from '../../src/domain/game-factory.ts';
import { awardFaults } from './award-rules.ts';
import { commandsOf, type Plan } from './command.ts';
import { type Counts, countsOf } from './counts.ts';
import { faultsOf } from './evidence.ts';
import { entryOf, watcherPorts } from './model-edge.ts';
import { LAB } from './model-fleet.ts';
import { type ModelKind, ModelWorld, type Players } from './model-world.ts';
import type { Seam } from './seeded-bugs.ts';
import { Watcher } from './watcher.ts';

/** The whole of a plan, and the quiet after it. */
export async function play<P extends Players>(
  kind: ModelKind<P>,
  plan: Plan,
  seam: Seam,
): Promise<ModelWorld<P>> {
  const world = new ModelWorld(kind, plan, seam);
  await world.begin();
  for (const command of commandsOf(plan)) await world.perform(command);
  await world.settle();
  return world;
}

const COMMITTED: ModelKind<Watcher> = {
  game: LAB,
  players({ broker, link, clock, seam }) {
    const watcher = new Watcher(watcherPorts(broker, link, clock));
    broker.subscribeFeed(link, (message) => {
      const { follower } = watcher;
      const prev = seam.prevOf?.(message.prev, follower.position.seq) ?? message.prev;
      follower.onRecord({ ...entryOf(message), prev });
    });
    return watcher;
  },
};

/** Everything that was wrong in one run of a plan in the model. @param onDone told what has happened in it */
export async function runInModel(
  plan: Plan,
  seam: Seam = {},
  onDone: (counts: Counts) => void = () => undefined,
): Promise<string[]> {
  const { broker, players, fleet, violations } = await play(COMMITTED, plan, seam);
  onDone(countsOf(broker, fleet.moves));
  const factory = new GameFactory(LAB.versions[1], () => undefined);
  const evidence = {
    factory,
    records: broker.log.archive,
    snapshots: broker.snapshots.archive,
    sent: players.sent,
    shown: new Map(Array.from(players.members, ([user, { shown }]) => [user, shown])),
  };
  return [...violations, ...awardFaults(broker, factory), ...faultsOf(evidence)];
}
