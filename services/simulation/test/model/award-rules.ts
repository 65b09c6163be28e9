import type { GameFactory } from '../../src/domain/game-factory.ts';
import { givenBy } from '../memory-ledgers.ts';
import type { Broker } from './broker.ts';

/** When all is quiet every user has what the log gave them, no more and no less. */
export function awardFaults({ ledgers, log }: Broker, factory: GameFactory): string[] {
  return [...givenBy({ log, factory })]
    .filter(([user, given]) => ledgers.totalOf(user) !== given)
    .map(([user, given]) => `${user} has ${ledgers.totalOf(user)} XP, the log gave ${given}`);
}
