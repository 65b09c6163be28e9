import { randomBytes } from 'node:crypto';
import { closestWord } from './closest-word.ts';
import { processSettings } from './common.ts';
import type { Setting } from './setting.ts';

/** Settings by property name. Values are checked by `loadConfig`, so any value type goes. */
export type Schema = Readonly<Record<string, Setting<unknown>>>;

type ValueOf<S> = S extends Setting<infer T> ? T : never;

/** Parsed settings, frozen. `instance` always has a value: `loadConfig` invents one. */
export type Config<S extends Schema> = {
  readonly [K in keyof S]: K extends 'instance' ? string : ValueOf<S[K]>;
};

export interface ConfigFault {
  readonly env: string;
  readonly problem: string;
}

/** Thrown once with every fault of the environment, never with a value of it. */
export class ConfigError extends Error {
  readonly faults: readonly ConfigFault[];

  constructor(service: string, faults: readonly ConfigFault[]) {
    super(
      `${service}: ${faults.length === 1 ? 'a setting is' : `${faults.length} settings are`} wrong\n${faults.map(({ env, problem }) => `  ${env} ${problem}`).join('\n')}`,
    );
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'BREAKWATER_';

/** @throws Error when a schema breaks the naming rules: a fault of the programmer, not of the environment. */
export function assertSchema(service: string, schema: Schema): void {
  const seen = new Set<string>();
  for (const { env } of Object.values(schema)) {
    if (!/^BREAKWATER_[A-Z0-9_]+$/.test(env))
      throw new Error(`${service}: ${env} is not a BREAKWATER_ variable`);
    if (seen.has(env)) throw new Error(`${service}: ${env} is declared twice`);
    seen.add(env);
  }
}

function readSetting(
  item: Setting<unknown>,
  env: Environment,
  dev: boolean,
): { value: unknown } | { fault: string } {
  const text = env[item.env]?.trim();
  if (text !== undefined && text !== '') return item.parse(text);
  if (item.default !== undefined) return { value: item.default };
  if (dev && item.devDefault !== undefined) return { value: item.devDefault };
  if (item.optional) return { value: undefined };
  return { fault: item.devDefault === undefined ? 'is required' : 'is required outside development mode' };
}

function unknownVariables(schema: Schema, env: Environment): ConfigFault[] {
  const known = Object.values(schema).map((item) => item.env);
  const names = Object.keys(env).filter((name) => name.startsWith(PREFIX) && env[name] !== undefined);
  return names
    .filter((name) => !known.includes(name))
    .map((name) => {
      const close = closestWord(name, known);
      return {
        env: name,
        problem:
          close === undefined
            ? 'is not a setting of this service'
            : `is not a setting of this service (did you mean ${close}?)`,
      };
    });
}

function isDev(env: Environment): boolean {
  const parsed = processSettings.dev.parse(env[processSettings.dev.env]?.trim() || 'false');
  return 'value' in parsed && parsed.value;
}

function inventInstance(service: string): string {
  return `${service}-${randomBytes(4).toString('hex')}`;
}

/**
 * Reads the settings of one service from an environment.
 * Empty variables count as unset; unknown `BREAKWATER_*` variables are faults.
 * @throws ConfigError with every fault at once
 */
export function loadConfig<S extends Schema>(service: string, schema: S, env: Environment): Config<S> {
  assertSchema(service, schema);
  const faults = unknownVariables(schema, env);
  const values: Record<string, unknown> = {};
  const dev = isDev(env);
  for (const [key, item] of Object.entries(schema)) {
    const read = readSetting(item, env, dev);
    if ('fault' in read) faults.push({ env: item.env, problem: read.fault });
    else values[key] = Array.isArray(read.value) ? Object.freeze([...read.value]) : read.value;
  }
  if (faults.length > 0) throw new ConfigError(service, faults);
  if ('instance' in schema) values.instance ??= inventInstance(service);
  return Object.freeze(values) as Config<S>;
}
