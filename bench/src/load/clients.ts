/** The benchmark's side of the client process. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientAnswer, ClientOrder, OpenClients } from './client-process.ts';

const COUNT_TIMEOUT_MS = 60_000;

export class Clients implements AsyncDisposable {
  readonly #child: ChildProcess = fork(new URL('./client-process.ts', import.meta.url), { stdio: 'inherit' });

  async open(order: Omit<OpenClients, 't' | 'concurrency'>): Promise<void> {
    await this.#ask({ t: 'open', concurrency: 20, ...order });
  }

  /** Frames that all clients have counted. @throws Error when one of them has missed some */
  async waitForEach(count: number): Promise<void> {
    const deadline = Date.now() + COUNT_TIMEOUT_MS;
    for (;;) {
      const answer = await this.#ask({ t: 'count' });
      if (answer.t === 'count' && answer.least >= count) return;
      if (Date.now() > deadline)
        throw new Error(`the clients did not get ${count} frames each: ${JSON.stringify(answer)}`);
      await sleep(100);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    this.#child.disconnect();
    await once(this.#child, 'exit');
  }

  async #ask(order: ClientOrder): Promise<ClientAnswer> {
    this.#child.send(order);
    const [answer] = (await once(this.#child, 'message')) as [ClientAnswer];
    if (answer.t === 'failed') throw new Error(`clients: ${answer.message}`);
    return answer;
  }
}
