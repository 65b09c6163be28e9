import { ProtocolError } from '@breakwater/protocol';
import { BusError } from '@breakwater/service-kit';
import { expect, it } from 'vitest';
import { failureOf } from './errors.ts';

const remote = (code: string, message: string, retryAfterMs?: number) =>
  failureOf(
    new BusError('remote', 'chat.send', 'refused', {
      remote: { code, message, ...(retryAfterMs !== undefined && { retryAfterMs }) },
    }),
  );

it('a refusal of another service says what is wrong with a request, and when to come back', () => {
  expect(remote('bad_request', 'msg: is from the future')).toMatchObject({
    code: 'bad_request',
    message: 'msg: is from the future',
    isUnexpected: false,
  });
  expect(remote('rate_limited', 'too fast', 250)).toMatchObject({ code: 'rate_limited', retryAfterMs: 250 });
  expect(failureOf(new ProtocolError('busy', undefined, { retryAfterMs: 7 }))).toMatchObject({
    code: 'busy',
    retryAfterMs: 7,
  });
});

it('sentences about the inside of a service, and codes that clients do not know, stay inside', () => {
  expect(remote('unavailable', 'partition 3 has no leader').message).toBeUndefined();
  expect(remote('js_10071', 'wrong last sequence')).toMatchObject({ code: 'internal', isUnexpected: true });
});
