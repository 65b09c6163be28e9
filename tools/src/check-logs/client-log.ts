import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { decode, parseJson } from '@breakwater/protocol';
import { CLIENT_LOG_EXTENSION, type LogLine, type LogLineOf, logLine } from '../recorder/log-line.ts';
import { type Shown, TraceBuilder } from './trace.ts';

export type { Shown };

/** A client log that cannot be used. */
export class ClientLogError extends Error {
  override readonly name = 'ClientLogError';
}

export interface ReadLimits {
  /** Lines of one log. */
  readonly maxLines: number;
  /** Characters of one line. */
  readonly maxLineLength: number;
}

/** Files with this ending in folders, or files that are named; sorted. @throws ClientLogError for a missing path */
export function findFiles(paths: readonly string[], extension: string): string[] {
  const files = paths.flatMap((path) => {
    if (!existsSync(path)) throw new ClientLogError(`${path} does not exist`);
    if (!statSync(path).isDirectory()) return path.endsWith(extension) ? [path] : [];
    return readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
      .map((entry) => join(entry.parentPath, entry.name));
  });
  return [...new Set(files)].sort();
}

/** @throws ClientLogError when there is none */
export function findClientLogs(paths: readonly string[]): string[] {
  const files = findFiles(paths, CLIENT_LOG_EXTENSION);
  if (files.length === 0) throw new ClientLogError(`no ${CLIENT_LOG_EXTENSION} files in ${paths.join(', ')}`);
  return files;
}

/** @throws ClientLogError with file and line when something is no line of a client log */
export async function readClientLog(file: string, limits: ReadLimits) {
  let builder: TraceBuilder | undefined;
  let number = 0;
  for await (const { text, isTorn } of linesOf(file, limits.maxLineLength)) {
    number += 1;
    if (number > limits.maxLines) throw new ClientLogError(`${file}: more than ${limits.maxLines} lines`);
    const line = parseLine(text);
    // A client that was killed leaves half a line at the end; a line that is whole but wrong is another matter.
    if (isTorn && !line.ok) break;
    if (!line.ok) throw new ClientLogError(`${file}:${number}: ${line.why}`);
    builder = builder === undefined ? begin(file, line.value) : continueWith(builder, line.value, number);
  }
  if (builder === undefined) throw new ClientLogError(`${file}: is empty`);
  return builder.finish();
}

function begin(file: string, line: LogLine): TraceBuilder {
  if (line.t !== 'client') throw new ClientLogError(`${file}:1: the first line must be of type "client"`);
  return new TraceBuilder(file, (line as LogLineOf<'client'>).user);
}

function continueWith(builder: TraceBuilder, line: LogLine, number: number): TraceBuilder {
  const problem = builder.add(line, number);
  if (problem !== undefined) throw new ClientLogError(`${builder.file}:${number}: ${problem}`);
  return builder;
}

function parseLine(text: string): { ok: true; value: LogLine } | { ok: false; why: string } {
  const decoded = decode((value) => logLine(parseJson(value as string)), text);
  return decoded.ok ? decoded : { ok: false, why: decoded.error.sentence };
}

async function* linesOf(file: string, maxLength: number): AsyncGenerator<{ text: string; isTorn: boolean }> {
  let rest = '';
  for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: 1 << 20 })) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > maxLength) throw new ClientLogError(`${file}: a line is longer than ${maxLength}`);
    for (const text of lines) if (text.trim() !== '') yield { text, isTorn: false };
  }
  if (rest.trim() !== '') yield { text: rest, isTorn: true };
}
