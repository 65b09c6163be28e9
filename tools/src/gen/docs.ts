import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { projectRoot } from '@breakwater/testkit';
import { loadDeclarations, type ServiceDeclaration } from '../schemas.ts';
import { configTables } from './config-doc.ts';
import { DASHBOARDS, renderDashboard } from './dashboards/dashboards.ts';
import { generatedBlock, replaceBlock } from './generated-file.ts';
import { permissionsFile, productionUsers } from './nats-users.ts';
import { metricTables } from './telemetry-doc.ts';
import { withSettingSchemas } from './values-schema.ts';

/** A file that the code writes, whole or in part. */
interface GeneratedFile {
  /** From the root. */
  readonly file: string;
  /** What it shall be, given what it is; `undefined` where there is none yet. */
  readonly render: (before: string | undefined) => string;
}

/** A part of a Markdown page, between marks that are comments. */
function docPart(file: string, block: string, body: string, head: string): GeneratedFile {
  return {
    file,
    render: (before) =>
      before === undefined
        ? `${head}\n\n${generatedBlock(block, body)}\n`
        : replaceBlock(before, block, body),
  };
}

function chartFiles(services: readonly ServiceDeclaration[]): GeneratedFile[] {
  return [
    { file: 'charts/breakwater/files/nats-permissions.yaml', render: permissionsFile },
    {
      file: 'charts/breakwater/values.schema.json',
      render: (before) => withSettingSchemas(before, services),
    },
    {
      file: 'k8s/nats-production-values.yaml',
      render: (before) =>
        before === undefined
          ? `${generatedBlock('users', productionUsers(), 'hash')}\n`
          : replaceBlock(before, 'users', productionUsers(), 'hash'),
    },
    ...DASHBOARDS.map((dashboard) => ({
      file: `charts/breakwater/dashboards/${dashboard.name}.json`,
      render: () => renderDashboard(dashboard),
    })),
  ];
}

async function generatedFiles(): Promise<GeneratedFile[]> {
  const services = await loadDeclarations();
  return [
    docPart(
      'docs/config.md',
      'settings',
      configTables(services),
      '# Settings\n\nEvery setting is an environment variable. A `BREAKWATER_*` variable that no service knows is an error.',
    ),
    docPart(
      'docs/telemetry.md',
      'metrics',
      metricTables(services),
      '# Telemetry\n\nEvery service answers `/metrics` on its admin port in the format of Prometheus.',
    ),
    ...chartFiles(services),
  ];
}

function updated({ file, render }: GeneratedFile, root: string) {
  const path = join(root, file);
  const before = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  return { path, before, after: render(before) };
}

/** The files whose generated part is not what the code says, from the root. */
export async function staleDocs(root = projectRoot): Promise<string[]> {
  const files = await generatedFiles();
  return files
    .filter((generated) => {
      const { before, after } = updated(generated, root);
      return before !== after;
    })
    .map(({ file }) => file);
}

/** Writes what is stale; returns those files. */
export async function writeDocs(root = projectRoot): Promise<string[]> {
  const written: string[] = [];
  for (const generated of await generatedFiles()) {
    const { path, before, after } = updated(generated, root);
    if (before === after) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, after);
    written.push(generated.file);
  }
  return written;
}
