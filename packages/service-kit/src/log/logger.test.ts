import { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLogOutput, type Logger } from './logger.ts';

const CANARY = 'canary-7a91c3';

function capture(level = 'trace'): {
  log: Logger;
  text: () => string;
  lines: () => Record<string, unknown>[];
} {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString('utf8');
      done();
    },
  });
  const { log } = createLogOutput({ service: 'test', instance: 'test-1', level, stream });
  return {
    log,
    text: () => text,
    lines: () =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

describe('log lines', () => {
  test('are JSON with level, time, service and instance', () => {
    const { log, lines } = capture();
    log.warn({ room: 'general' }, 'room is busy');
    expect(lines()).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        service: 'test',
        instance: 'test-1',
        room: 'general',
        msg: 'room is busy',
      },
    ]);
  });

  test.each([
    ['a token by name', (log: Logger) => log.info({ token: CANARY })],
    ['a header, any spelling', (log: Logger) => log.info({ headers: { Authorization: `Bearer ${CANARY}` } })],
    [
      'cookies, also as an object',
      (log: Logger) => log.info({ cookies: { sid: CANARY }, 'set-cookie': [CANARY] }),
    ],
    [
      'names that contain the word',
      (log: Logger) =>
        log.info({ natsPassword: CANARY, jwtSecret: CANARY, accessToken: CANARY, apiKey: CANARY }),
    ],
    ['deep inside', (log: Logger) => log.info({ a: { b: { c: [{ d: { ticket: CANARY } }] } } })],
    [
      'bindings of a child',
      (log: Logger) => log.child({ password: CANARY, request: { cookie: CANARY } }).info('x'),
    ],
    [
      'a URL with credentials',
      (log: Logger) =>
        log.info({ url: `nats://user:${CANARY}@nats:4222` }, `connect to nats://u:${CANARY}@nats:4222`),
    ],
    ['a bearer in free text', (log: Logger) => log.info(`got authorization: Bearer ${CANARY} from peer`)],
    [
      'a JWT in free text',
      (log: Logger) => log.info(`got eyJhbGciOiJIUzI1NiJ9.${CANARY}.${CANARY} from peer`),
    ],
    ['a query parameter', (log: Logger) => log.info(`GET /v1/ws?ticket=${CANARY}&x=1`)],
    ['JSON inside the text', (log: Logger) => log.info(`body {"password":"${CANARY}"}`)],
    [
      'an error with a URL',
      (log: Logger) =>
        log.error({
          err: new Error(`connect nats://a:${CANARY}@h:1 failed`, { cause: new Error(`token=${CANARY}`) }),
        }),
    ],
    [
      'fields of an error',
      (log: Logger) =>
        log.error({
          err: Object.assign(new Error('x'), { token: CANARY, request: { headers: { cookie: CANARY } } }),
        }),
    ],
    ['an error alone', (log: Logger) => log.error(new Error(`connect nats://a:${CANARY}@h:1 failed`))],
    [
      'an error with a cause under another name',
      (log: Logger) => log.warn({ why: new Error(`password: ${CANARY}`) }),
    ],
    [
      'several errors in one',
      (log: Logger) => log.error({ err: new AggregateError([new Error(`token=${CANARY}`)], 'all') }),
    ],
    [
      'what an object says of itself',
      (log: Logger) => log.info({ it: { toJSON: () => ({ secret: CANARY }) } }),
    ],
    [
      'instances of classes',
      (log: Logger) =>
        log.info({ it: Object.assign(Object.create({ proto: 1 }) as object, { token: CANARY }) }),
    ],
    ['values of a format', (log: Logger) => log.info('peer sent %s', `token=${CANARY}`)],
    ['bytes', (log: Logger) => log.info({ frame: Buffer.from(CANARY) })],
  ])('never show a secret: %s', (_what, write) => {
    const { log, text, lines } = capture();
    write(log);
    expect(lines()).toHaveLength(1);
    expect(text()).not.toContain(CANARY);
  });

  test('cannot be forged by line breaks, terminal codes or direction marks', () => {
    const { log, text, lines } = capture();
    const evil = 'eve\n{"level":"fatal","msg":"forged"}\r\u001b[31mred\u009b31m\u2028next\u202eright';
    log.info({ name: evil }, evil);
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).toMatchObject({ name: evil, msg: evil, level: 'info' });
    expect(text().trimEnd()).toMatch(/^[\u0020-\u007e]*$/);
  });

  test('keep ordinary words and numbers that only look like secrets', () => {
    const { log, lines } = capture();
    const words = 'the secretary handed out 3 tickets; password policy applies';
    const err = Object.assign(new Error('x'), { ticketCount: 123_456 });
    log.info({ tokens: 12_345, author: 'ann', hasToken: true, err }, words);
    expect(lines()).toEqual([
      expect.objectContaining({ tokens: 12_345, author: 'ann', hasToken: true, msg: words }),
    ]);
    expect(lines()[0]?.err).toMatchObject({ ticketCount: 123_456 });
  });

  test('stay JSON, one line each, whatever they hold', () => {
    const fragments = [
      'token',
      'password',
      '=',
      ':',
      '"',
      '\\',
      ' ',
      '\n',
      '{',
      '}',
      ',',
      'Bearer ',
      'eyJ',
      '.',
      'http://',
      '@',
      'x',
    ];
    const text = fc.array(fc.constantFrom(...fragments), { maxLength: 12 }).map((parts) => parts.join(''));
    const value = fc.oneof(
      text,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(text),
      fc.dictionary(text, text),
    );
    fc.assert(
      fc.property(fc.dictionary(text, value), text, (fields, message) => {
        const { log, lines } = capture();
        log.info({ ...fields, err: Object.assign(new Error(message), { fields }) }, message);
        expect(lines()).toHaveLength(1);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ['hyphens', 'a-'],
    ['names without values', 'token'],
    ['spaces after a name', `token${' '.repeat(50)}`],
    ['schemes', 'http://'],
    ['quotes and backslashes', '\\"'],
    ['the start of tokens', 'eyJ'],
  ])('cost no more than their length, whatever is repeated in them: %s', (_what, part) => {
    const { log, lines } = capture();
    log.info(part.repeat(200_000 / part.length));
    expect(lines()).toHaveLength(1);
  });

  test('cut texts that are too long', () => {
    const { log, text } = capture();
    log.info({ frame: 'x'.repeat(1_000_000) }, 'odd');
    expect(text().length).toBeLessThan(20_000);
  });

  test('survive circles, depth and getters that throw', () => {
    const { log, lines } = capture();
    const circle: Record<string, unknown> = { name: 'a' };
    circle.self = circle;
    const trap = Object.defineProperty({}, 'x', {
      enumerable: true,
      get: () => {
        throw new Error('trap');
      },
    });
    log.info({ circle }, 'circle');
    log.info({ trap }, 'trap');
    expect(lines().map((line) => line.msg)).toEqual(['circle', 'trap']);
  });
});

describe('a blocked reader (fault 40)', () => {
  test('costs lines beyond the buffer, which are counted, and no memory', () => {
    const stuck = new Writable({ highWaterMark: 1, write: () => undefined });
    const { log, droppedLines } = createLogOutput({
      service: 's',
      instance: 'i',
      level: 'info',
      bufferBytes: 20_000,
      stream: stuck,
    });
    for (let i = 0; i < 1_000; i++) log.info({ pad: 'x'.repeat(100) }, 'line');
    expect(stuck.writableLength).toBeLessThanOrEqual(20_000);
    expect(droppedLines()).toBeGreaterThan(800);
    expect(droppedLines()).toBeLessThan(1_000);
  });

  test('does not hold up a flush for longer than it was given', async () => {
    const stuck = new Writable({ write: () => undefined });
    const { log, flush } = createLogOutput({ service: 's', instance: 'i', level: 'info', stream: stuck });
    log.info('x');
    await flush(30);
    expect(stuck.writableLength).toBeGreaterThan(0);
  });

  test('that goes away costs lines, not the process', () => {
    const gone = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) });
    const { log, droppedLines } = createLogOutput({
      service: 's',
      instance: 'i',
      level: 'info',
      stream: gone,
    });
    return new Promise<void>((resolve) => {
      log.info('first');
      gone.on('close', () => {
        log.info('second');
        expect(droppedLines()).toBe(1);
        resolve();
      });
    });
  });
});
