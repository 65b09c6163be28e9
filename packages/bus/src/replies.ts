/** The envelope of every answer on a request subject: `{ok: true, …}` or `{ok: false, error}`. */

import { boolean, type Decoded, type Decoder, int, loose, optional, string } from '@breakwater/protocol';

const text = string();
export const replyError = loose({ code: text, message: text, retryAfterMs: optional(int(0)) });
export type ReplyErrorBody = Decoded<typeof replyError>;

/** An answer that says only that it was done. */
export const okReply = loose({ ok: boolean() });

export type Reply<T> = ({ readonly ok: true } & T) | { readonly ok: false; readonly error: ReplyErrorBody };

const failure = loose({ ok: boolean(), error: replyError });

/** Decodes an answer whose good form has the fields of `body`. */
export function reply<T extends object>(body: Decoder<T>): Decoder<Reply<T>> {
  return (value) => {
    const head = okReply(value);
    if (head.ok) return { ok: true, ...body(value) };
    return { ok: false, error: failure(value).error };
  };
}
