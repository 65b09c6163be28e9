import { type MatchVerb, reply } from '@breakwater/bus';
import type { Decoder } from '@breakwater/protocol';
import type { TraceParent } from '@breakwater/service-kit';
import { askAgain } from './ask-again.ts';
import type { EdgeDeps } from './deps.ts';

export interface MatchQuestion<T extends object> {
  readonly verb: MatchVerb;
  readonly body: object;
  readonly decoder: Decoder<T>;
  /** For all the asking together. */
  readonly timeoutMs: number;
  readonly trace?: TraceParent | undefined;
}

/**
 * Asks one of the matchmakers, and again, maybe another one, after every `matchAgainMs` of silence: one that stands
 * still is handed its share of the questions and swallows it. Every question may be asked twice: those that make
 * something carry a key.
 *
 * @throws BusError
 */
export function askMatchmaker<T extends object>(
  deps: EdgeDeps,
  { verb, body, decoder, timeoutMs, trace }: MatchQuestion<T>,
): Promise<T> {
  const subject = deps.subjects.match(verb);
  return askAgain(deps, { timeoutMs, againMs: deps.config.matchAgainMs }, (leftMs) =>
    deps.nats.request(subject, body, { decode: reply(decoder), timeoutMs: leftMs, trace }),
  );
}
