import type { Broker } from './broker.ts';
import { USERS } from './command.ts';
import { recordOf } from './evidence.ts';

/** How often what a run is about has happened in it. */
export interface Counts {
  /** Claims after the first one. */
  takeovers: number;
  /** Games that one process gave up and the next one took, in order. */
  moves: number;
  /** Appends of which a process could not tell whether they were stored. */
  doubts: number;
  snapshots: number;
  /** 1 when the game is alive and its log was cut below its snapshots. */
  purges: number;
  /** XP in the ledgers. */
  awards: number;
}

export function countsOf({ log, snapshots, ledgers, doubts }: Broker, moves: number): Counts {
  const kinds = log.archive.map((record) => recordOf(record).kind);
  const isCut = log.records[0]?.seq !== log.archive[0]?.seq;
  return {
    takeovers: Math.max(0, kinds.filter((kind) => kind === 'claim').length - 1),
    moves,
    doubts,
    snapshots: snapshots.archive.length,
    purges: isCut && kinds.at(-1) !== 'end' ? 1 : 0,
    awards: USERS.reduce((sum, user) => sum + ledgers.totalOf(user), 0),
  };
}
