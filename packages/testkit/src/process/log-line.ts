/** One line of a child's output. */
export interface LogLine {
  source: 'stdout' | 'stderr';
  text: string;
  /** The line's fields when it is a JSON object, as the services write it. */
  fields: Readonly<Record<string, unknown>> | undefined;
}

/** Reads one line; anything that is not a JSON object has no fields. */
export function parseLogLine(text: string, source: LogLine['source']): LogLine {
  return { source, text, fields: parseFields(text) };
}

function parseFields(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Why a process ended, as far as its output tells: its last fatal line, or the error that Node printed. */
export function lastWords(lines: readonly LogLine[]): string | undefined {
  const fatal = lines.findLast(({ fields }) => fields?.level === 'fatal' || fields?.level === 'error');
  if (fatal?.fields !== undefined) return messageOf(fatal.fields);
  const plain = lines.filter((line) => line.fields === undefined && line.text.trim() !== '');
  const thrown = plain.findLast((line) => /^[\w ]*Error\b.*: /.test(line.text));
  return (thrown ?? plain.at(-1))?.text.trim();
}

function messageOf(fields: Readonly<Record<string, unknown>>): string {
  const { err, msg } = fields;
  const cause = isRecord(err) && typeof err.message === 'string' ? err.message : undefined;
  return [msg, cause].filter((part) => part !== undefined).join(': ');
}
