import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LockHeldError, takeLock } from './process/file-lock.ts';

/** Below the kernel's ephemeral range (32768…), so that an outgoing connection never takes a port between a kill and a restart. */
const FIRST_PORT = 10_200;
const BLOCK_PORTS = 100;
const BLOCKS = 218;

/** Processes that look for ports at the same time each have a block of their own; one that died gives its block back. */
const lockFolder = join(tmpdir(), `breakwater-ports-${process.getuid?.() ?? 'user'}`);

let ports: Iterator<number, never> | undefined;

/**
 * Finds a TCP port on which nobody listens. Neither this process nor another that asks gets the same one soon.
 *
 * @param host address to try, default `127.0.0.1`
 * @throws Error when all ports of this process' block are taken
 */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  ports ??= roundAndRound(claimBlock());
  for (let attempt = 0; attempt < BLOCK_PORTS; attempt++) {
    const port = ports.next().value;
    if (await isPortFree(port, host)) return port;
  }
  throw new Error(`no free port on ${host} among ${BLOCK_PORTS}`);
}

/** True when a listener could be opened on this port right now. Errors other than "taken" are thrown (e.g. no permission). */
export function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The first port of a block that is ours until this process ends. */
function claimBlock(): number {
  const start = Math.floor(Math.random() * BLOCKS);
  for (let step = 0; step < BLOCKS; step++) {
    const block = (start + step) % BLOCKS;
    const lock = takeLock(join(lockFolder, `${block}.lock`));
    if (lock instanceof LockHeldError) continue;
    process.once('exit', () => lock.release());
    return FIRST_PORT + block * BLOCK_PORTS;
  }
  throw new Error(`all ${BLOCKS} blocks of ports are claimed, see ${lockFolder}`);
}

function* roundAndRound(first: number): Generator<number, never> {
  for (let step = 0; ; step = (step + 1) % BLOCK_PORTS) yield first + step;
}
