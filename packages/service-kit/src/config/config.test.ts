import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { commonSettings } from './common.ts';
import { ConfigError, loadConfig, type Schema } from './load.ts';
import { settingsMarkdownRows } from './markdown.ts';
import { Secret } from './secret.ts';
import { setting } from './setting.ts';

const schema = {
  ...commonSettings,
  maxGames: setting.int({
    env: 'BREAKWATER_DEMO_MAX_GAMES',
    doc: 'Games hosted.',
    default: 10,
    min: 1,
    max: 99,
  }),
  placement: setting.oneOf({
    env: 'BREAKWATER_DEMO_PLACEMENT',
    doc: 'Where.',
    values: ['packed', 'spread'],
    default: 'packed',
  }),
  jwtSecret: setting.secret({
    env: 'BREAKWATER_DEMO_JWT_SECRET',
    doc: 'Key.',
    minLength: 8,
    devDefault: new Secret('development-only'),
  }),
  origins: setting.list({
    env: 'BREAKWATER_DEMO_ORIGINS',
    doc: 'Origins.',
    default: [],
    pattern: /^https?:\/\/\S+$/,
  }),
  page: setting.url({ env: 'BREAKWATER_DEMO_PAGE', doc: 'Page.', optional: true, protocols: ['https'] }),
} as const;

const required = { BREAKWATER_DEMO_JWT_SECRET: 'long enough' };

function faultsOf(env: Record<string, string>): Map<string, string> {
  try {
    loadConfig('demo', schema, env);
  } catch (cause) {
    if (cause instanceof ConfigError) return new Map(cause.faults.map((fault) => [fault.env, fault.problem]));
    throw cause;
  }
  return new Map();
}

describe('loadConfig', () => {
  test('gives defaults, typed values and a name of its own to a process that was given none', () => {
    const config = loadConfig('demo', schema, { ...required, BREAKWATER_DEMO_MAX_GAMES: ' 42 ' });
    const placement: 'packed' | 'spread' = config.placement;
    const page: string | undefined = config.page;
    expect(config.maxGames).toBe(42);
    expect(placement).toBe('packed');
    expect(page).toBeUndefined();
    expect(config.natsUrl).toEqual(['nats://127.0.0.1:4222']);
    expect(config.instance).toMatch(/^demo-[0-9a-f]{8}$/);
    expect(loadConfig('demo', schema, required).instance).not.toBe(config.instance);
  });

  test('freezes what it returns, lists included', () => {
    const config = loadConfig('demo', schema, {
      ...required,
      BREAKWATER_DEMO_ORIGINS: 'https://a.example, http://b.example',
    });
    expect(config.origins).toEqual(['https://a.example', 'http://b.example']);
    expect(Object.isFrozen(config) && Object.isFrozen(config.origins)).toBe(true);
  });

  test('tells every fault at once, each with its variable', () => {
    const faults = faultsOf({
      BREAKWATER_DEMO_MAX_GAMES: '100',
      BREAKWATER_DEMO_PLACEMENT: 'random',
      BREAKWATER_DEMO_ORIGINS: 'https://a.example,ftp://b.example',
      BREAKWATER_DEMO_PAGE: 'http://a.example',
      BREAKWATER_DRAIN_DEADLINE_MS: '5s',
      BREAKWATER_INSTANCE: 'pod 1',
    });
    expect(Object.fromEntries(faults)).toEqual({
      BREAKWATER_DEMO_MAX_GAMES: 'must be 1 to 99',
      BREAKWATER_DEMO_PLACEMENT: 'must be one of packed, spread',
      BREAKWATER_DEMO_ORIGINS: expect.stringMatching(/^item 2 must match /),
      BREAKWATER_DEMO_PAGE: 'must begin with https://',
      BREAKWATER_DEMO_JWT_SECRET: 'is required outside development mode',
      BREAKWATER_DRAIN_DEADLINE_MS: 'must be a whole number of ms',
      BREAKWATER_INSTANCE: expect.stringMatching(/^must match /),
    });
  });

  test('refuses a variable that it does not know and says which was meant', () => {
    const faults = faultsOf({
      ...required,
      BREAKWATER_DEMO_MAX_GAME: '1',
      BREAKWATER_SOMETHING_ELSE_ALTOGETHER: 'x',
      OTHER: 'x',
    });
    expect(Object.fromEntries(faults)).toEqual({
      BREAKWATER_DEMO_MAX_GAME: 'is not a setting of this service (did you mean BREAKWATER_DEMO_MAX_GAMES?)',
      BREAKWATER_SOMETHING_ELSE_ALTOGETHER: 'is not a setting of this service',
    });
  });

  test.each([
    [',', 'must have at least 1 items'],
    ['nats://a:4222,b:4222', 'item 2 must begin with nats:// or tls://'],
    ['nats://a:99999', 'item 1 must be a URL'],
    ['nats://', 'item 1 must be a URL with a host'],
    ['http://a:4222', 'item 1 must begin with nats:// or tls://'],
  ])('refuses the NATS address %j', (text, problem) => {
    expect(faultsOf({ ...required, BREAKWATER_NATS_URL: text }).get('BREAKWATER_NATS_URL')).toBe(problem);
  });

  test('uses a development default only in development mode', () => {
    expect(faultsOf({}).get('BREAKWATER_DEMO_JWT_SECRET')).toBe('is required outside development mode');
    expect(loadConfig('demo', schema, { BREAKWATER_DEV: '1' }).jwtSecret.reveal()).toBe('development-only');
  });

  test('counts an empty variable as unset', () => {
    expect(
      loadConfig('demo', schema, { ...required, BREAKWATER_DEMO_MAX_GAMES: '', BREAKWATER_DEMO_PAGE: ' ' })
        .maxGames,
    ).toBe(10);
  });

  test('never puts a value into the error, however odd the value', () => {
    const canary = 'canary-1f0c';
    fc.assert(
      fc.property(fc.string(), (text) => {
        const env: Record<string, string> = {};
        for (const item of Object.values<Schema[string]>(schema)) env[item.env] = `${canary}${text}`;
        try {
          loadConfig('demo', schema, env);
        } catch (cause) {
          expect(String(cause)).not.toContain(canary);
          expect(cause).toBeInstanceOf(ConfigError);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('refuses a schema that declares a variable twice', () => {
    const twice = { a: schema.maxGames, b: schema.maxGames };
    expect(() => loadConfig('demo', twice, {})).toThrow('declared twice');
  });
});

describe('numbers', () => {
  test.each(['1e3', '0x10', '1.5', ' ', '--1', '９', 'NaN', 'Infinity', '9007199254740993000'])(
    '"%s" is no whole number',
    (text) => {
      const parsed = setting.int({ env: 'BREAKWATER_X', doc: 'x', default: 1 }).parse(text);
      expect(parsed).toEqual({ fault: 'must be a whole number' });
    },
  );

  test('durations are not negative', () => {
    expect(setting.durationMs({ env: 'BREAKWATER_X', doc: 'x' }).parse('-1')).toEqual({
      fault: 'must be at least 0',
    });
  });
});

test('a secret shows itself nowhere but in reveal()', () => {
  const secret = new Secret('hunter2');
  const shown = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }, { showHidden: true, depth: 9 }),
    Object.values(secret).join(),
  ];
  expect(shown.join()).not.toContain('hunter2');
  expect(secret.reveal()).toBe('hunter2');
});

test('the documentation has one row for each setting, with default, unit and bounds', () => {
  const rows = settingsMarkdownRows(schema);
  expect(rows).toHaveLength(Object.keys(schema).length);
  expect(rows).toContain('| `BREAKWATER_DEMO_MAX_GAMES` | int | `10` | `1 to 99` | Games hosted. |');
  expect(rows.find((row) => row.includes('JWT_SECRET'))).toContain(
    'required (set by itself in development mode)',
  );
  expect(rows.find((row) => row.includes('DRAIN_DEADLINE'))).toContain('durationMs, ms');
  expect(rows.join()).not.toContain('development-only');
});
