import type { LogLine } from '@breakwater/testkit';

const LEVELS: Readonly<Record<string, string>> = {
  INF: 'info',
  WRN: 'warn',
  ERR: 'error',
  FTL: 'fatal',
  DBG: 'debug',
};

/** nats-server's own line as the services write theirs; undefined for what tells a person nothing. */
export function readNatsLine(line: LogLine): LogLine | undefined {
  const match = /^\[\d+\] \S+ \S+ \[([A-Z]{3})\] ?(.*)$/.exec(line.text);
  const level = LEVELS[match?.[1] ?? ''] ?? 'info';
  // Its banner and its start-up report are informational; the launcher says where it listens.
  if (level === 'info' || level === 'debug') return undefined;
  const fields = { level, service: 'nats', msg: match?.[2] ?? line.text };
  return { source: line.source, text: JSON.stringify(fields), fields };
}
