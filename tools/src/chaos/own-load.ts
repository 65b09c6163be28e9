import { readFileSync } from 'node:fs';
import type { StandstillWatch } from '../recorder/standstill.ts';

/** How the machine treated the process that makes the run: it shares the machine with what it judges. */
export interface OwnLoad {
  /** Longest time for which this process did nothing, ms. */
  readonly longestStandstillMs: number;
  /** Share of the machine's CPU time that went to others on the same host, 0 to 1; undefined where nobody tells. */
  readonly stolenShare: number | undefined;
}

/** Ticks of all CPUs together. */
export interface CpuTicks {
  readonly all: number;
  readonly stolen: number;
}

const STEAL_FIELD = 7;
/** What guests used is counted in `user` and `nice` already. */
const FIELDS = 8;

/** @param text of `/proc/stat`. @returns undefined when its first line is not as expected */
export function parseCpuTicks(text: string): CpuTicks | undefined {
  const fields = /^cpu +(.+)$/m.exec(text)?.[1]?.trim().split(/ +/).slice(0, FIELDS).map(Number) ?? [];
  const stolen = fields[STEAL_FIELD];
  if (stolen === undefined || fields.some((ticks) => !Number.isFinite(ticks))) return undefined;
  return { all: fields.reduce((sum, ticks) => sum + ticks, 0), stolen };
}

/** Between two readings; undefined when one is missing, or no time passed. */
export function stolenShareOf(before: CpuTicks | undefined, after: CpuTicks | undefined): number | undefined {
  if (before === undefined || after === undefined || after.all <= before.all) return undefined;
  return (after.stolen - before.stolen) / (after.all - before.all);
}

/** Measures from now on. @returns what gives the figures since then */
export function measureOwnLoad(standstills: StandstillWatch): () => OwnLoad {
  const before = readCpuTicks();
  return () => ({
    longestStandstillMs: Math.round(standstills.longestMs),
    stolenShare: stolenShareOf(before, readCpuTicks()),
  });
}

export function describeOwnLoad({ longestStandstillMs, stolenShare }: OwnLoad): string {
  const stolen =
    stolenShare === undefined ? 'is not told here' : `was ${(100 * stolenShare).toFixed(1)} % of all`;
  return `this process: stood still for ${longestStandstillMs} ms at most; CPU time that went to other machines ${stolen}`;
}

/** Only Linux has it. */
function readCpuTicks(): CpuTicks | undefined {
  try {
    return parseCpuTicks(readFileSync('/proc/stat', 'utf8'));
  } catch {
    return undefined;
  }
}
