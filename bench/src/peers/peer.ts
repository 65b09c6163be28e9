/** Starts a peer in a process of its own. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

export interface Peer extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
}

export async function startPeer(
  file: 'ws-loop' | 'socket-io',
  natsUrl: string,
  subject: string,
): Promise<Peer> {
  const child = fork(new URL(`./${file}.ts`, import.meta.url), [natsUrl, subject], { stdio: 'inherit' });
  const [{ port }] = (await Promise.race([once(child, 'message'), failed(child, file)])) as [
    { port: number },
  ];
  return {
    pid: child.pid!,
    port,
    [Symbol.asyncDispose]: async () => {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

async function failed(child: ChildProcess, file: string): Promise<never> {
  const [code] = await once(child, 'exit');
  throw new Error(`${file} ended with exit code ${code}`);
}
