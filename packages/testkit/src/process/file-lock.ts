import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const RETRY_MS = 100;

/** A lock file is held by another live process. */
export class LockHeldError extends Error {
  readonly holderPid: number;

  constructor(path: string, holderPid: number) {
    super(`${path} is held by process ${holderPid}`);
    this.name = 'LockHeldError';
    this.holderPid = holderPid;
  }
}

/** A lock between processes of one machine; it does not outlive its holder. */
export interface FileLock extends Disposable {
  release(): void;
}

/**
 * Takes a lock that is a file naming its holder.
 *
 * @param waitMs how long to wait for another holder, default 0
 * @throws LockHeldError when another live process still has it
 */
export async function acquireLock(path: string, waitMs = 0): Promise<FileLock> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    const lock = takeLock(path);
    if (!(lock instanceof LockHeldError)) return lock;
    if (performance.now() >= deadline) throw lock;
    await sleep(RETRY_MS);
  }
}

/** The lock, or the error that says who has it; does not wait. */
export function takeLock(path: string): FileLock | LockHeldError {
  mkdirSync(dirname(path), { recursive: true });
  const holderPid = tryLock(path);
  if (holderPid !== undefined) return new LockHeldError(path, holderPid);
  const release = () => rmSync(path, { force: true });
  return { release, [Symbol.dispose]: release };
}

/** Undefined when the lock is ours now, else the process id of the live holder. */
function tryLock(path: string): number | undefined {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, identityOf(process.pid));
  try {
    // A link appears with its content or not at all, and only once.
    for (let attempt = 0; attempt < 3; attempt++) {
      if (linkIfAbsent(own, path)) return undefined;
      const content = readOr(path, '');
      const holderPid = Number.parseInt(content, 10);
      if (content !== '' && identityOf(holderPid) === content) return holderPid;
      removeStale(path, content);
    }
    return Number.parseInt(readOr(path, '0'), 10);
  } finally {
    rmSync(own, { force: true });
  }
}

/** Moves the dead holder's file away, and puts it back when it was replaced by a live one in the meantime. */
function removeStale(path: string, content: string): void {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (isErrorCode(error, 'ENOENT')) return;
    throw error;
  }
  if (readOr(aside, '') !== content) linkIfAbsent(aside, path);
  rmSync(aside, { force: true });
}

function linkIfAbsent(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (isErrorCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Process id and, where the system tells it, start time: a reused id is not the same process. Empty when it is dead. */
function identityOf(pid: number): string {
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return '';
  const stat = readOr(`/proc/${pid}/stat`, '');
  // The second field is the program's name in brackets and may hold spaces; after it the state, the start time is 20th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? '' : `${pid} ${fields[19] ?? ''}\n`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isErrorCode(error, 'EPERM');
  }
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}

function isErrorCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
