import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { projectRoot } from '@breakwater/testkit';
import { loadDeclarations } from '../schemas.ts';
import { configTables } from './config-doc.ts';
import { generatedBlock, replaceBlock } from './generated-file.ts';
import { metricTables } from './telemetry-doc.ts';

/** A file of the docs with a part that the code writes. */
interface DocPart {
  /** From the root. */
  file: string;
  block: string;
  body: string;
  /** The whole file's beginning where there is none yet. */
  head: string;
}

async function docParts(): Promise<DocPart[]> {
  const services = await loadDeclarations();
  return [
    {
      file: 'docs/config.md',
      block: 'settings',
      body: configTables(services),
      head: '# Settings\n\nEvery setting is an environment variable. A `BREAKWATER_*` variable that no service knows is an error.',
    },
    {
      file: 'docs/telemetry.md',
      block: 'metrics',
      body: metricTables(services),
      head: '# Telemetry\n\nEvery service answers `/metrics` on its admin port in the format of Prometheus.',
    },
  ];
}

function updated(part: DocPart, root: string): { path: string; before: string | undefined; after: string } {
  const path = join(root, part.file);
  const before = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  const after =
    before === undefined
      ? `${part.head}\n\n${generatedBlock(part.block, part.body)}\n`
      : replaceBlock(before, part.block, part.body);
  return { path, before, after };
}

/** The files whose generated part is not what the code says, from the root. */
export async function staleDocs(root = projectRoot): Promise<string[]> {
  const parts = await docParts();
  return parts
    .filter((part) => {
      const { before, after } = updated(part, root);
      return before !== after;
    })
    .map(({ file }) => file);
}

/** Writes what is stale; returns those files. */
export async function writeDocs(root = projectRoot): Promise<string[]> {
  const written: string[] = [];
  for (const part of await docParts()) {
    const { path, before, after } = updated(part, root);
    if (before === after) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, after);
    written.push(part.file);
  }
  return written;
}
