import { gameId, gameStreamName, ledgerStreamName, type Subjects, userId } from '@breakwater/bus';
import type { NatsBus } from '@breakwater/service-kit';
import type { LedgerPorts } from '../domain/ledger.ts';
import type { ChainPort } from '../domain/ports.ts';

export interface NatsLedgerDeps {
  readonly nats: NatsBus;
  readonly subjects: Subjects;
  readonly partitions: number;
  readonly maxGames: number;
  readonly chain: (stream: string, subject: string, spanName: string) => ChainPort;
}

/** The ledgers as one game writes them, and the inboxes in which users hear of it. */
export function natsLedger(deps: NatsLedgerDeps, game: string): LedgerPorts {
  const { nats, subjects, partitions, maxGames, chain } = deps;
  return {
    game,
    maxGames,
    of(user) {
      const id = userId(user);
      return chain(ledgerStreamName(id, partitions), subjects.ledger(id), 'simulation.award');
    },
    gameTail(other) {
      const id = gameId(other);
      return chain(gameStreamName(id, partitions), subjects.gameLog(id), 'simulation.award').tail();
    },
    notify: (user, { total, amount }) =>
      nats.publish(subjects.userInbox(userId(user)), { kind: 'xp', total, game, amount }),
  };
}
