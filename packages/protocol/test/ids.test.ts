import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CLOSE,
  closeAction,
  DecodeError,
  decode,
  ERRORS,
  formatMessageId,
  id,
  isErrorCode,
  isId,
  messageId,
  messageIdTimeMs,
  ProtocolError,
} from '../src/index.ts';

/** Any UTF-16, well-formed or not. */
const anyText = fc.array(fc.nat(0xffff), { maxLength: 70 }).map((units) => String.fromCharCode(...units));

test('an id is 1 to 64 characters of the alphabet, and nothing else is', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/), (text) => {
      expect(isId(text)).toBe(true);
    }),
  );
  fc.assert(
    fc.property(anyText, (text) => {
      const isGood =
        text.length >= 1 && text.length <= 64 && [...text].every((char) => /[A-Za-z0-9_-]/.test(char));
      expect(isId(text)).toBe(isGood);
      expect(decode(id, text).ok).toBe(isGood);
    }),
  );
  for (const value of ['a\n', 'a\r\n', 7, null, undefined, ['a'], { toString: () => 'a' }])
    expect(isId(value)).toBe(false);
});

test('a message id tells its time', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[A-Za-z0-9]{4,16}$/),
      fc.nat(2 ** 45),
      fc.nat(36 ** 8 - 1),
      (prefix, time, counter) => {
        const msg = formatMessageId(prefix, time, counter);
        expect(decode(messageId, msg)).toEqual({ ok: true, value: msg });
        expect(messageIdTimeMs(msg)).toBe(time);
      },
    ),
  );
  expect(formatMessageId('abcdefgh', Date.UTC(2026, 0, 1), 1)).toBe('abcdefgh-mjuohs00-1');
});

test('any text is a message id or a DecodeError', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        expect(Number.isSafeInteger(messageIdTimeMs(text))).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    }),
  );
});

test('close codes say what to do, also those that are not in the table', () => {
  for (const { code, action } of Object.values(CLOSE)) expect(closeAction(code)).toBe(action);
  const isFinal = (code: number) =>
    [1002, 1003, 1007, 1008, 1009].includes(code) || (code >= 4500 && code <= 4999);
  fc.assert(
    fc.property(fc.integer({ min: 1000, max: 4999 }), (code) => {
      if (code !== 4401) expect(closeAction(code)).toBe(isFinal(code) ? 'stop' : 'reconnect');
    }),
  );
});

test('a code is an error code only if the catalogue itself holds it', () => {
  for (const code of Object.keys(ERRORS)) expect(isErrorCode(code)).toBe(true);
  for (const code of ['toString', 'constructor', '__proto__', '', 7, null])
    expect(isErrorCode(code)).toBe(false);
  expect(new ProtocolError('busy')).toMatchObject({
    code: 'busy',
    retryable: true,
    message: ERRORS.busy.message,
  });
});
