/** CPU seconds and resident memory of other processes, from /proc. Linux only, and says so. */

import { readFileSync } from 'node:fs';

/** Ticks a second of `utime` and `stime`; 100 on every Linux that Node runs on. */
const USER_HZ = 100;

/** User and system CPU seconds that a process has used. @throws Error where there is no /proc */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / USER_HZ;
}

/** Resident memory of a process in bytes. */
export function residentBytesOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1024;
}

/** Starts a stopwatch over the CPU of some processes; the result stops it and gives CPU seconds of each. */
export function measureCpu<K extends string>(pids: Readonly<Record<K, number>>): () => Record<K, number> {
  const names = Object.keys(pids) as K[];
  const before = new Map(names.map((name) => [name, cpuSecondsOf(pids[name])]));
  return () => {
    const used = names.map((name) => [name, cpuSecondsOf(pids[name]) - before.get(name)!]);
    return Object.fromEntries(used) as Record<K, number>;
  };
}
