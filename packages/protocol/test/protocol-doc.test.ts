import { blocksOf, bytesOf, readDoc, sectionsBelow, sectionText, tableOf } from '@breakwater/testkit';
import { describe, expect, test } from 'vitest';
import {
  CLOSE,
  clientFrame,
  type Decoder,
  decodeGameFrame,
  descriptionOf,
  encodeGameFrame,
  type GameFrame,
  GUEST_PATH,
  gameInfo,
  id,
  LIMITS,
  message,
  messageId,
  PROTOCOL_VERSION,
  person,
  position,
  roomInfo,
  roster,
  SOCKET_PATH,
  SUBPROTOCOL,
  serverFrame,
  TICKET_PATH,
  TOKEN_SUBPROTOCOL_PREFIX,
} from '../src/index.ts';

const doc = readDoc('protocol.md');
const OBJECTS = { position, message, person, 'room info': roomInfo, 'game info': gameInfo, roster };
const NAMED: Readonly<Record<string, Decoder<unknown>>> = { ...OBJECTS, id, 'message id': messageId };

type Shapes = Readonly<Record<string, Decoder<unknown>>>;

function membersOf(decoder: Decoder<unknown>): Shapes {
  const members = descriptionOf(decoder)?.members;
  if (members === undefined) throw new Error('not a union');
  return members;
}

/** What a decoder expects, with the names that the document uses. */
function wordsOf(decoder: Decoder<unknown>): string {
  let words = descriptionOf(decoder)?.expects ?? 'nothing known';
  for (const [name, named] of Object.entries(NAMED)) {
    words = words.replaceAll(descriptionOf(named)!.expects, name);
  }
  return words;
}

function rowsOf(decoder: Decoder<unknown>): string[][] {
  return Object.entries(descriptionOf(decoder)?.fields ?? {}).map(([name, field]) => [
    name,
    'isOptional' in field ? 'no' : 'yes',
    wordsOf(field),
  ]);
}

function documented(title: string): Record<string, string[][]> {
  return Object.fromEntries(
    sectionsBelow(doc, title).map((section) => [section.title.replaceAll('`', ''), tableOf(section.text)]),
  );
}

describe.each([
  ['Objects', OBJECTS as Shapes],
  ['Frames from clients', membersOf(clientFrame as Decoder<unknown>)],
  ['Frames from servers', membersOf(serverFrame as Decoder<unknown>)],
])('%s', (title, shapes) => {
  const tables = documented(title);

  test('the document and the code know the same ones', () => {
    expect(Object.keys(tables)).toEqual(Object.keys(shapes));
  });

  test.each(Object.keys(shapes))('%s has the same fields in both', (name) => {
    const rows = tables[name] ?? [];
    expect(rows.map((row) => row.slice(0, 3))).toEqual(rowsOf(shapes[name]!));
    expect(rows.filter((row) => row.length !== 4 || row[3] === '')).toEqual([]);
  });
});

test('the close codes of the document are those of the code', () => {
  const expected = Object.values(CLOSE).map(({ code, action, meaning }) => [String(code), action, meaning]);
  expect(tableOf(sectionText(doc, 'Close codes'))).toEqual(expected);
});

test('the limits of the document are those of the code', () => {
  const rows = tableOf(sectionText(doc, 'Limits')).map(([name, value]) => [name, Number(value)]);
  expect(Object.fromEntries(rows)).toEqual({ ...LIMITS });
});

test('paths, subprotocols and the version are those of the code', () => {
  const paths = tableOf(sectionText(doc, 'Connecting')).map(([cell]) => cell);
  expect(paths).toEqual([`POST ${TICKET_PATH}`, `GET ${SOCKET_PATH}`, `POST ${GUEST_PATH}`]);
  expect(doc).toContain(`\`${SUBPROTOCOL}\``);
  expect(doc).toContain(`\`${TOKEN_SUBPROTOCOL_PREFIX}<token>\``);
  expect(doc.split('\n')[0]).toBe(`# The client protocol, version ${PROTOCOL_VERSION}`);
});

test('rules are numbered without holes, each once', () => {
  const numbers = [...doc.matchAll(/^- \*\*P-(\d+)\*\* /gm)].map((match) => Number(match[1]));
  // A rule that was added later stands where it belongs and has the next number that is free.
  expect(numbers.toSorted((a, b) => a - b)).toEqual(numbers.map((_, index) => index + 1));
  const mentioned = [...doc.matchAll(/P-(\d+)/g)].map((match) => Number(match[1]));
  expect(mentioned.filter((number) => !numbers.includes(number))).toEqual([]);
});

const FRAMES: Readonly<Record<string, GameFrame>> = {
  'frame-state': {
    kind: 'state',
    handle: 1,
    epoch: 2,
    seq: 300,
    tick: 42,
    shared: Uint8Array.of(10, 11, 12),
    slice: Uint8Array.of(13),
  },
  'frame-delta': {
    kind: 'delta',
    handle: 1,
    epoch: 2,
    seq: 304,
    prev: 300,
    tick: 43,
    shared: Uint8Array.of(10, 11),
  },
  'frame-slice': { kind: 'slice', handle: 1, epoch: 2, seq: 304, slice: Uint8Array.of(13) },
};

test.each(Object.entries(FRAMES))(
  'the bytes of the example %s are what the code writes and reads',
  (name, frame) => {
    const bytes = bytesOf(blocksOf(doc).get(name) ?? '');
    expect(decodeGameFrame(bytes)).toEqual({ ok: true, value: frame });
    expect(encodeGameFrame(frame)).toEqual(bytes);
  },
);

test('the example of a message id is one', () => {
  const example = /Example: `([^`]+)`/.exec(sectionText(doc, 'Ids'))?.[1];
  expect(messageId(example)).toBe(example);
});

test('links inside the document lead somewhere', () => {
  const headings = [...doc.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
  const links = [...doc.matchAll(/\]\(#([\w-]+)\)/g)].map(([, anchor]) => anchor!);
  expect(links.filter((anchor) => !headings.includes(anchor))).toEqual([]);
});
