import { type MatchVerb, reply } from '@breakwater/bus';
import type { Decoder } from '@breakwater/protocol';
import type { TraceParent } from '@breakwater/service-kit';
import type { EdgeDeps } from './deps.ts';

export interface MatchQuestion<T extends object> {
  readonly verb: MatchVerb;
  readonly body: object;
  readonly decoder: Decoder<T>;
  /** For all the asking together. */
  readonly timeoutMs: number;
  readonly trace?: TraceParent | undefined;
}

const SILENCE = Symbol('silence');

/**
 * Asks one of the matchmakers, and again, maybe another one, after every `matchAgainMs` of silence: one that stands
 * still is handed its share of the questions and swallows it. Every question may be asked twice: those that make
 * something carry a key. The first answer counts, whichever question it is for: a matchmaker may just be slow.
 *
 * @throws BusError
 */
export async function askMatchmaker<T extends object>(
  { nats, subjects, clock, config }: EdgeDeps,
  { verb, body, decoder, timeoutMs, trace }: MatchQuestion<T>,
): Promise<T> {
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  const answers: Promise<T>[] = [];
  for (;;) {
    const leftMs = Math.max(1, deadlineMs - clock.monotonicMs());
    answers.push(
      nats.request(subjects.match(verb), body, { decode: reply(decoder), timeoutMs: leftMs, trace }),
    );
    if (leftMs <= config.matchAgainMs) return Promise.race(answers);
    const { promise: silence, resolve } = Promise.withResolvers<typeof SILENCE>();
    const cancel = clock.after(config.matchAgainMs, () => resolve(SILENCE));
    const answer = await Promise.race([...answers, silence]).finally(cancel);
    if (answer !== SILENCE) return answer;
  }
}
