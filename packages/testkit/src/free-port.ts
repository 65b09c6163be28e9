import { createServer } from 'node:net';

/** Below the kernel's ephemeral range (32768…), so that an outgoing connection never takes a port between a kill and a restart. */
const FIRST_PORT = 10_240;
const LAST_PORT = 32_000;
const ATTEMPTS = 50;

/**
 * Finds a TCP port on which nobody listens.
 *
 * @param host address to try, default `127.0.0.1`
 * @throws Error when fifty random ports in a row are taken
 */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (await isPortFree(port, host)) return port;
  }
  throw new Error(`no free port on ${host} after ${ATTEMPTS} attempts`);
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
