import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { acquireLock, type FileLock, LockHeldError } from '@breakwater/testkit';
import { CommandError } from '../command.ts';

/** The folder that outlives a start: messages, games, the key of development tokens. */
export interface DataFolder {
  dir: string;
  natsDir: string;
  pageDir: string;
  jwtSecret: string;
  lock: FileLock;
}

/** @throws CommandError when another start uses this folder */
export async function openDataFolder(dir: string): Promise<DataFolder> {
  mkdirSync(dir, { recursive: true });
  const lock = await lockFolder(dir);
  return {
    dir,
    natsDir: join(dir, 'nats'),
    pageDir: join(dir, 'page'),
    jwtSecret: readSecret(join(dir, 'jwt-secret')),
    lock,
  };
}

async function lockFolder(dir: string): Promise<FileLock> {
  try {
    return await acquireLock(join(dir, 'start.lock'));
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw error;
    throw new CommandError(
      `Breakwater runs already with the data in ${dir} (process ${error.holderPid}): stop that one first, or give this one another folder with --data.`,
    );
  }
}

/** The same secret at every start, so that a page that is still open stays signed in. */
function readSecret(file: string): string {
  if (!existsSync(file)) writeFileSync(file, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}
