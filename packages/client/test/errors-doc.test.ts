import { readDoc, sectionText, tableOf } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import * as sdk from '../src/index.ts';

const MADE: readonly sdk.BreakwaterError[] = [
  new sdk.ConnectionLostError(),
  new sdk.ConnectionRefusedError(),
  new sdk.ConnectionClosedError(4500, 'why'),
  new sdk.ClientClosedError(),
  new sdk.TimeoutError('room.send', 1),
  new sdk.QueueFullError('why'),
  new sdk.StreamOverflowError(1),
  new sdk.TokenError(),
  new sdk.CommandRejectedError(1, 'why'),
  new sdk.CommandLostError(1, 'why'),
  new sdk.ReplacedError(),
  new sdk.LeftError('room general'),
  new sdk.BadArgumentError('why'),
];

test('the errors of the SDK are in the document with their class, and no others', () => {
  const documented = tableOf(sectionText(readDoc('errors.md'), 'Errors of the SDK'));
  const expected = MADE.map((error) => [
    error.code,
    error.name,
    error.retryable ? 'yes' : 'no',
    sdk.CLIENT_ERRORS[error.code as sdk.ClientErrorCode],
  ]);
  expect(documented).toEqual(expected);
  expect(MADE.map(({ code }) => code)).toEqual(Object.keys(sdk.CLIENT_ERRORS));
});

test('there is one class for each kind of failure, and each is a BreakwaterError', () => {
  const classes = Object.entries(sdk).flatMap(([name, value]) =>
    typeof value === 'function' && value.prototype instanceof sdk.BreakwaterError ? [name] : [],
  );
  expect(classes.toSorted()).toEqual([...MADE.map(({ name }) => name), 'ServerError'].toSorted());
  for (const error of MADE) expect(error).toBeInstanceOf(sdk.BreakwaterError);
  expect(new sdk.ServerError('busy')).toMatchObject({ code: 'busy', retryable: true, name: 'ServerError' });
});
