/** Whether a game is still one's own, asked of its log: who appends nothing learns nothing by being refused. */

import type { Chain } from './chain.ts';
import { recordHead } from './claim.ts';
import { type LogPort, sleep } from './ports.ts';
import { backoffMs, type Retry, readTail } from './settle.ts';

export type Ownership = 'own' | 'overtaken' | 'cut_back' | 'abandoned';

/** A tail of somebody before is a stale read at first; this often in a row, and the owner's records are gone. */
const MAX_CUT_BACK_READS = 30;

/** Read from the leader after the call; asked for until it can be told. */
export async function askOwnership(log: LogPort, chain: Chain, retry: Retry): Promise<Ownership> {
  for (let attempt = 0; attempt < MAX_CUT_BACK_READS; attempt++) {
    const tail = await readTail(log, retry);
    if (tail === 'abandoned') return 'abandoned';
    const head = tail && recordHead(tail.bytes);
    if (head?.epoch === chain.epoch && head.nonce === chain.nonce) return 'own';
    if (tail !== undefined && tail.seq > chain.lastSeq) return 'overtaken';
    await sleep(retry.clock, backoffMs(attempt, retry.random));
  }
  return 'cut_back';
}
