import type { Writable } from 'node:stream';
import { type Logger as PinoLogger, pino, stdSerializers } from 'pino';
import { BoundedWriter } from './bounded-writer.ts';
import { redactObject, scrubLine } from './scrub.ts';

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

/** Structured logs as JSON lines: redacted, safe to show, and never waiting for their reader. */
export function createLogOutput(options: LoggerOptions): LogOutput {
  const { service, instance, level } = options;
  const writer = new BoundedWriter(options.stream ?? process.stdout, options.bufferBytes ?? 1_048_576);
  const log = pino(
    {
      level,
      base: { service, instance },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label: string) => ({ level: label }), log: redactObject, bindings: redactObject },
      serializers: { err: stdSerializers.err },
      hooks: { streamWrite: scrubLine },
    },
    writer,
  );
  return { log, droppedLines: () => writer.droppedLines, flush: (timeoutMs) => writer.flush(timeoutMs) };
}
