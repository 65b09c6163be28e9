import type { Writable } from 'node:stream';
import { type Bindings, type ChildLoggerOptions, type LogFn, type Logger as PinoLogger, pino } from 'pino';
import { BoundedWriter } from './bounded-writer.ts';
import { escapeLine, redactObject, scrubText } from './scrub.ts';

export type Logger = PinoLogger;

export interface LoggerOptions {
  service: string;
  instance: string;
  /** `trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`. */
  level: string;
  /** Lines waiting for a blocked reader, in bytes; above it lines are dropped. Default 1 MiB. */
  bufferBytes?: number;
  /** Where lines go. Default: the process's stdout. */
  stream?: Writable;
}

/** A logger together with what its destination had to do. */
export interface LogOutput {
  readonly log: Logger;
  /** Lines that were dropped because the reader was blocked or gone. */
  droppedLines(): number;
  /** Writes what is buffered; gives up after `timeoutMs` with a blocked reader. */
  flush(timeoutMs: number): Promise<void>;
}

/** What the error of a call says, when the call has no words of its own: pino would take it as it is. */
function errorText([first, second]: readonly unknown[]): string | undefined {
  if (second !== undefined) return undefined;
  const error = first instanceof Error ? first : (first as { err?: unknown } | undefined | null)?.err;
  return error instanceof Error ? error.message : undefined;
}

/** Texts of a call, the message among them, do not pass through the formatters. */
function scrubArguments(this: PinoLogger, args: Parameters<LogFn>, method: LogFn): void {
  const scrubbed = args.map((arg: unknown) => (typeof arg === 'string' ? scrubText(arg) : arg));
  const text = errorText(args);
  if (text !== undefined) scrubbed.push(scrubText(text));
  method.apply(this, scrubbed as Parameters<LogFn>);
}

/** pino applies no formatter to what a child is bound to. Children inherit this method from their parent. */
function redactChildren(log: PinoLogger): void {
  const bare: (this: PinoLogger, bindings: Bindings, options?: ChildLoggerOptions) => PinoLogger = log.child;
  const child = function (this: PinoLogger, bindings: Bindings, options?: ChildLoggerOptions): PinoLogger {
    return bare.call(this, redactObject(bindings), options);
  };
  Object.defineProperty(log, 'child', { value: child });
}

/** Structured logs as JSON lines: redacted, safe to show, and never waiting for their reader. */
export function createLogOutput(options: LoggerOptions): LogOutput {
  const { service, instance, level } = options;
  const writer = new BoundedWriter(options.stream ?? process.stdout, options.bufferBytes ?? 1_048_576);
  const log = pino(
    {
      level,
      base: { service, instance },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label: string) => ({ level: label }), log: (fields) => redactObject(fields) },
      hooks: { streamWrite: escapeLine, logMethod: scrubArguments },
    },
    writer,
  );
  redactChildren(log);
  return { log, droppedLines: () => writer.droppedLines, flush: (timeoutMs) => writer.flush(timeoutMs) };
}
