import type { Replay } from '../../games/replay.ts';
import type { Rule } from '../report.ts';

/** A rule of one game type, told of each delta of the log. */
export interface GameRule {
  /** A delta was replayed; `ticks` is how many ticks it holds. */
  settle(ticks: number): Iterable<{ readonly rule: Rule; readonly text: string }>;
}

export type GameRuleFactory = (replay: Replay) => GameRule;
