import { readDoc, sectionText, tableOf } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { CLOSE, ERRORS, REJECTIONS } from '../src/index.ts';

const doc = readDoc('errors.md');
const rows = (title: string): string[][] => tableOf(sectionText(doc, title));

test('every error code is in the document with its status, retry and message, and no other', () => {
  const expected = Object.entries(ERRORS).map(([code, { status, retryable, message }]) => [
    code,
    String(status),
    retryable ? 'yes' : 'no',
    message,
  ]);
  expect(rows('Error codes').map((row) => row.slice(0, 4))).toEqual(expected);
});

test('every status is listed with its codes, and no other', () => {
  const codes = new Map<string, string[]>();
  for (const [code, { status }] of Object.entries(ERRORS)) {
    codes.set(String(status), [...(codes.get(String(status)) ?? []), code]);
  }
  const listed = rows('HTTP statuses').map(([status, list]) => [status, list!.split(', ')]);
  expect(listed).toEqual([...codes].toSorted(([a], [b]) => Number(a) - Number(b)));
});

test('every close code is in the document with its action, and no other', () => {
  const expected = Object.values(CLOSE).map(({ code, action }) => [String(code), action]);
  expect(rows('Close codes').map((row) => row.slice(0, 2))).toEqual(expected);
});

test('every rejection of the server is in the document, and no other', () => {
  expect(rows('Rejections')).toEqual(Object.entries(REJECTIONS));
});

test('every row says what to do', () => {
  for (const title of ['Error codes', 'HTTP statuses', 'Close codes', 'Rejections']) {
    expect(rows(title).filter((row) => row.some((cell) => cell === ''))).toEqual([]);
  }
});
