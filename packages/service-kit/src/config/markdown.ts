import type { Schema } from './load.ts';
import { Secret } from './secret.ts';
import type { Setting } from './setting.ts';

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function defaultCell(item: Setting<unknown>): string {
  const value = item.default;
  if (value === undefined) {
    if (item.optional) return 'unset';
    return item.devDefault === undefined ? 'required' : 'required (set by itself in development mode)';
  }
  if (value instanceof Secret) return 'secret';
  return `\`${Array.isArray(value) ? value.join(',') : String(value)}\``;
}

function typeCell(item: Setting<unknown>): string {
  const unit = item.unit === undefined || item.kind === item.unit ? '' : `, ${item.unit}`;
  return `${item.kind}${unit}`;
}

/** Header of the table that `settingsMarkdownRows` fills. */
export const SETTINGS_MARKDOWN_HEAD =
  '| variable | type | default | allowed | meaning |\n|---|---|---|---|---|';

/** One Markdown table row for each setting, in schema order. */
export function settingsMarkdownRows(schema: Schema): string[] {
  return Object.values(schema).map((item) => {
    const cells = [
      `\`${item.env}\``,
      typeCell(item),
      defaultCell(item),
      item.constraint === undefined ? '' : `\`${item.constraint}\``,
      item.doc,
    ];
    return `| ${cells.map(escapeCell).join(' | ')} |`;
  });
}
