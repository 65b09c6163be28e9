/** Where the figures come from. */

import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';

export interface Provenance {
  readonly machine: string;
  readonly runtime: string;
  readonly commit: string;
}

export function provenance(): Provenance {
  const processors = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return {
    machine: `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown'}, ${memory}, Linux ${release()}`,
    runtime: `Node ${process.versions.node}`,
    commit: commitOf(),
  };
}

function commitOf(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    return 'no git checkout';
  }
}
