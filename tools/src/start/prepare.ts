import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  findNatsServer,
  isPortFree,
  type LogLine,
  type NatsNode,
  planStack,
  projectRoot,
  type ServiceSpec,
} from '@breakwater/testkit';
import { CommandError, messageOf } from '../command.ts';
import { faultsOf, loadDeclarations, type ServiceDeclaration } from '../schemas.ts';
import { type DataFolder, openDataFolder } from './data.ts';
import { readNatsLine } from './nats-log.ts';
import type { StartOptions } from './options.ts';
import type { Output } from './output.ts';
import { type DealtSettings, dealSettings } from './settings.ts';
import { createNatsUnit } from './units.ts';

/** Everything that a start needs, checked: from here on only a process can fail. */
export interface PreparedStack {
  data: DataFolder;
  /** Undefined when the settings name a server that runs already. */
  nats: NatsNode | undefined;
  specs: readonly ServiceSpec[];
  bots: number;
}

export type PrepareOptions = StartOptions & { data: string };

const ANY_NATS_URL = 'nats://127.0.0.1:4222';

/** @throws CommandError with one sentence about the first thing that is not as it must be */
export async function prepareStack(
  options: PrepareOptions,
  env: Readonly<Record<string, string | undefined>>,
  output: Output,
): Promise<PreparedStack> {
  const services = await loadDeclarations();
  const settings = dealSettings(env, variablesOf(services));
  const data = await openDataFolder(options.data);
  try {
    await assertPortsFree(portsOf(options));
    const planWith = (url: string) => plan(options, data, url, settings);
    // Before anything is fetched or started: what is wrong with a setting does not depend on where NATS will be.
    assertSettings(services, await planWith(env.BREAKWATER_NATS_URL ?? ANY_NATS_URL));
    const nats = env.BREAKWATER_NATS_URL === undefined ? await prepareNats(data, output) : undefined;
    const specs = await planWith(env.BREAKWATER_NATS_URL ?? nats?.url ?? '');
    await buildPage(data.pageDir);
    return { data, nats, specs, bots: options.bots };
  } catch (error) {
    data.lock.release();
    throw error;
  }
}

function variablesOf(services: readonly ServiceDeclaration[]): Map<string, Set<string>> {
  return new Map(
    services.map(({ name, schema }) => [name, new Set(Object.values(schema).map(({ env }) => env))]),
  );
}

async function prepareNats(data: DataFolder, output: Output): Promise<NatsNode> {
  const binary = await findNatsServer({ log: (message) => output.say('info', message) }).catch(
    (error: unknown) => {
      throw new CommandError(messageOf(error));
    },
  );
  output.say('info', `starting with nats-server ${binary.version} (${binary.path})`);
  return createNatsUnit(binary.path, data.natsDir, (line: LogLine) => {
    const readable = readNatsLine(line);
    if (readable !== undefined) output.log('nats-1', readable);
  });
}

function plan(
  options: PrepareOptions,
  data: DataFolder,
  natsUrl: string,
  settings: DealtSettings,
): Promise<ServiceSpec[]> {
  const { edges, simulations } = options;
  const [webPort = 0, ...edgePorts] = portsOf(options);
  const size = { edges, simulations, chats: 1, matchmakers: 1, web: true };
  const env = { ...settings, web: { BREAKWATER_WEB_PAGE: data.pageDir, ...settings.web } };
  return planStack({ ...size, natsUrl, jwtSecret: data.jwtSecret, webPort, edgePorts, env });
}

/** The web's port, then those of the edges. */
function portsOf(options: PrepareOptions): number[] {
  return Array.from({ length: options.edges + 1 }, (_, index) => options.port + index);
}

async function assertPortsFree(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const isFree = await isPortFree(port).catch((error: unknown) => {
      throw new CommandError(`Port ${port} cannot be used: ${messageOf(error)}.`);
    });
    if (!isFree)
      throw new CommandError(`Port ${port} is taken: end what listens there, or choose another with --port.`);
  }
}

function assertSettings(services: readonly ServiceDeclaration[], specs: readonly ServiceSpec[]): void {
  const faults = services.flatMap((service) => {
    const spec = specs.find((candidate) => candidate.service === service.name);
    return spec === undefined ? [] : faultsOf(service, spec.env);
  });
  // A setting that several services share is wrong in each of them.
  if (faults.length > 0) throw new CommandError(`A setting is wrong: ${[...new Set(faults)].join('; ')}.`);
}

/** The page belongs to the web service, and so does the knowledge how to build it. */
async function buildPage(outDir: string): Promise<void> {
  const file = pathToFileURL(join(projectRoot, 'services/web/build.ts')).href;
  const builder = (await import(file)) as { buildPage(outDir: string): Promise<void> };
  await builder.buildPage(outDir).catch((error: unknown) => {
    throw new CommandError(`The page cannot be built: ${messageOf(error)}`);
  });
}
