import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError, loadConfig, type MetricTable, type Schema } from '@breakwater/service-kit';
import { projectRoot } from '@breakwater/testkit';

/** What one service declares about itself: data only, nothing of it is run. */
export interface ServiceDeclaration {
  name: string;
  schema: Schema;
  metrics: MetricTable;
}

/**
 * Reads what the services declare: `schema` of `src/config.ts` and, where it exists, `metrics` of `src/metrics.ts`.
 * This is the one place outside a service that looks into its folder.
 *
 * @throws Error when a service declares no schema
 */
export async function loadDeclarations(root = projectRoot): Promise<ServiceDeclaration[]> {
  const folder = join(root, 'services');
  const names = existsSync(folder)
    ? readdirSync(folder).filter((name) => existsSync(join(folder, name, 'src')))
    : [];
  return Promise.all(
    names.sort().map(async (name) => ({
      name,
      schema: (await readExport(join(folder, name, 'src/config.ts'), 'schema')) as Schema,
      metrics: await readMetrics(join(folder, name, 'src/metrics.ts')),
    })),
  );
}

/** What is wrong with the settings of one process, a clause for each. */
export function faultsOf(service: ServiceDeclaration, env: Readonly<Record<string, string>>): string[] {
  try {
    loadConfig(service.name, service.schema, env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.map((fault) => `${fault.env} ${fault.problem}`);
  }
}

/** A service may have no metrics of its own. */
async function readMetrics(file: string): Promise<MetricTable> {
  return existsSync(file) ? ((await readExport(file, 'metrics')) as MetricTable) : {};
}

async function readExport(file: string, name: string): Promise<object> {
  const module: unknown = await import(pathToFileURL(file).href);
  const value: unknown =
    typeof module === 'object' && module !== null ? Reflect.get(module, name) : undefined;
  if (typeof value !== 'object' || value === null) throw new Error(`${file} does not export ${name}`);
  return value;
}
