import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { baseEnv, projectRoot, serviceRuntime } from '@breakwater/testkit';
import { CHART_SETTINGS, FIXED_SETTINGS, faultsOf, loadDeclarations } from '@breakwater/tools';
import { expect, test } from 'vitest';
import {
  at,
  environmentOf,
  ofKind,
  one,
  readText,
  render,
  SERVICES,
  type Service,
  VALUE_SETS,
} from './helm.ts';

const run = promisify(execFile);
const secret = () => 'a-secret-of-more-than-thirty-two-characters';

async function settingsOf(
  service: Service,
  set: (typeof VALUE_SETS)[number],
): Promise<Record<string, string>> {
  const env = environmentOf(await render(set), service, secret);
  return Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('BREAKWATER_')));
}

const deployed = async (set: (typeof VALUE_SETS)[number]) =>
  SERVICES.filter((service) => service !== 'web' || set === 'demo');

test.each(VALUE_SETS)('every service takes the settings that %s gives it', async (set) => {
  const declarations = await loadDeclarations();
  for (const service of await deployed(set)) {
    const env = await settingsOf(service, set);
    expect(Object.keys(env).length).toBeGreaterThan(3);
    const declaration = declarations.find(({ name }) => name === service);
    expect(declaration && faultsOf(declaration, env), service).toEqual([]);
  }
});

test('the services themselves say so too', async () => {
  const checks = SERVICES.map(async (service) => {
    const env = { ...baseEnv(), ...(await settingsOf(service, 'demo')) };
    const main = join(projectRoot, 'services', service, 'src/main.ts');
    await run(serviceRuntime(), [main, '--check-config'], { env, cwd: projectRoot });
  });
  await expect(Promise.all(checks)).resolves.toHaveLength(SERVICES.length);
});

test('every variable that a template sets is in the schema of its service', async () => {
  const services = new Map((await loadDeclarations()).map(({ name, schema }) => [name, schema]));
  for (const set of VALUE_SETS) {
    for (const service of await deployed(set)) {
      const known = Object.values(services.get(service) ?? {}).map(({ env }) => env);
      for (const name of Object.keys(await settingsOf(service, set))) expect(known, service).toContain(name);
    }
  }
});

test('every setting is set by a template, free under "settings", or listed as fixed: one of the three', async () => {
  const values = JSON.parse(readText('charts/breakwater/values.schema.json')) as unknown;
  for (const { name, schema } of await loadDeclarations()) {
    const free = Object.keys(at(values, `definitions.${name}Settings.properties`) as object);
    for (const { env } of Object.values(schema)) {
      const homes = [free.includes(env), CHART_SETTINGS.has(env), FIXED_SETTINGS.has(env)].filter(Boolean);
      expect(homes.length, `${name}: ${env}`).toBe(1);
    }
  }
});

test('what is listed as set by a template is set by one, and what is listed as fixed by none', async () => {
  const everything = new Set<string>();
  for (const set of VALUE_SETS) {
    for (const service of await deployed(set))
      for (const name of Object.keys(await settingsOf(service, set))) everything.add(name);
  }
  expect([...CHART_SETTINGS].filter((name) => !everything.has(name))).toEqual([]);
  expect([...FIXED_SETTINGS].filter((name) => everything.has(name))).toEqual([]);
});

test('big numbers, fractions, lists and switches reach the services as they were written', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'breakwater-values-'));
  try {
    const file = join(dir, 'values.yaml');
    writeFileSync(
      file,
      [
        'telemetry: {endpoint: "http://c:4318", sampleRatio: 0.25}',
        'chat: {settings: {BREAKWATER_CHAT_MAX_AGE_MS: 7776000000, BREAKWATER_CHAT_SENDS_PER_SECOND: 0.5, BREAKWATER_CHAT_DEFAULT_ROOMS: [a, b]}}',
        'simulation: {settings: {BREAKWATER_SIMULATION_VERIFY: true}}',
      ].join('\n'),
    );
    const objects = await render('defaults', ['--values', file]);
    expect(one(objects, 'ConfigMap', 'chat').data).toMatchObject({
      BREAKWATER_TRACE_SAMPLE_RATIO: '0.25',
      BREAKWATER_CHAT_MAX_AGE_MS: '7776000000',
      BREAKWATER_CHAT_SENDS_PER_SECOND: '0.5',
      BREAKWATER_CHAT_DEFAULT_ROOMS: 'a,b',
    });
    expect(one(objects, 'ConfigMap', 'simulation').data?.BREAKWATER_SIMULATION_VERIFY).toBe('true');
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("NATS of one's own without a login gets no user and no password", async () => {
  const objects = await render('defaults', ['--set', 'nats.external.url=nats://nats:4222']);
  const env = environmentOf(objects, 'chat', secret);
  expect(env.BREAKWATER_NATS_URL).toBe('nats://nats:4222');
  expect(Object.keys(env).filter((name) => /NATS_(USER|PASSWORD|CA)/.test(name))).toEqual([]);
  expect(ofKind(objects, 'StatefulSet')).toEqual([]);
});
