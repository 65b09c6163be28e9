import { isOpen } from '../../src/domain/registry.ts';
import type { ModelMatchmaker } from './model-matchmaker.ts';
import type { ModelNats } from './model-nats.ts';
import type { ModelSim } from './model-sim.ts';

/** What is not as it should be when nothing happens any more. */
export function quietFaults(
  nats: ModelNats,
  sims: readonly ModelSim[],
  matchmakers: readonly ModelMatchmaker[],
  openCalls: number,
): string[] {
  const faults: string[] = [];
  const leaders = matchmakers.filter(({ isLeader }) => isLeader);
  if (leaders.length !== 1) faults.push(`${leaders.length} matchmakers lead`);
  for (const { waiting, mover } of leaders)
    if (waiting + mover.running > 0) faults.push('games are still looked after');
  if (openCalls > 0) faults.push('requests are not answered');
  for (const sim of sims) if (sim.isDead || sim.isDraining) faults.push(`${sim.name} is not there`);
  const entries = new Map(Array.from(nats.games.values(), (entry) => [entry.game, entry]));
  for (const [game, { epoch, isEnded }] of nats.logs) {
    const hosts = sims.filter((sim) => !sim.isDead && sim.epochOf(game) !== undefined);
    const entry = entries.get(game);
    const where = `${game} at ${epoch} is on ${hosts.map(({ name }) => name).join()}`;
    const isOver = isEnded || (entry === undefined && epoch === 0);
    if (hosts.length !== (isOver ? 0 : 1)) faults.push(where);
    if (entry === undefined && !isOver) faults.push(`${where}, and not in the registry`);
    if (entry === undefined || isOver) continue;
    if (!isOpen(entry)) faults.push(`${where}, and ${entry.state} in the registry`);
    if (entry.pod !== hosts[0]?.name || entry.epoch !== epoch)
      faults.push(`${where}, in the registry at ${entry.epoch} on ${entry.pod}`);
  }
  for (const { game, state } of entries.values())
    if (nats.logs.get(game)?.isEnded === true && state !== 'ended')
      faults.push(`${game} has ended and is ${state} in the registry`);
    else if (state === 'starting') faults.push(`${game} is still starting`);
  return faults;
}

/** Which epoch each game is at. */
export function claimsOf(nats: ModelNats): string {
  return Array.from(nats.logs, ([game, { epoch }]) => `${game} ${epoch}`).join();
}
