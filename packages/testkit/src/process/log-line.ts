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
