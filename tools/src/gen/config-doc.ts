import {
  natsSettings,
  processSettings,
  type Schema,
  SETTINGS_MARKDOWN_HEAD,
  settingsMarkdownRows,
} from '@breakwater/service-kit';
import type { ServiceDeclaration } from '../schemas.ts';

/** One table of the settings that processes share, then one for each service's own. */
export function configTables(services: readonly ServiceDeclaration[]): string {
  const shared = new Set(
    [...Object.values(processSettings), ...Object.values(natsSettings)].map(({ env }) => env),
  );
  const withoutNats = services.filter(({ schema }) => !envNames(schema).has('BREAKWATER_NATS_URL'));
  const note =
    withoutNats.length === 0 ? '' : ` (not ${withoutNats.map(({ name }) => `\`${name}\``).join(', ')})`;
  return [
    section('Every process', processSettings),
    section(`Every process that speaks NATS${note}`, natsSettings),
    ...services.map(({ name, schema }) => section(`\`${name}\``, ownSettings(schema, shared))),
  ].join('\n\n');
}

function envNames(schema: Schema): Set<string> {
  return new Set(Object.values(schema).map(({ env }) => env));
}

function ownSettings(schema: Schema, shared: ReadonlySet<string>): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([, { env }]) => !shared.has(env)));
}

function section(title: string, schema: Schema): string {
  const rows = settingsMarkdownRows(schema);
  const table = rows.length === 0 ? 'None of its own.' : [SETTINGS_MARKDOWN_HEAD, ...rows].join('\n');
  return `## ${title}\n\n${table}`;
}
