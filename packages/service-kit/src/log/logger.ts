import { type DestinationStream, destination, type Logger as PinoLogger, pino, stdSerializers } from 'pino';
import { redactObject, scrubLine } from './scrub.ts';

export type Logger = PinoLogger;

export interface LoggerOptions {
  service: string;
  instance: string;
  level: string;
  /** Lines waiting for a blocked reader, in bytes; above it lines are dropped. Default 1 MiB. */
  bufferBytes?: number;
  /** File descriptor to write to. Default 1 (stdout). */
  fd?: number;
  /** Takes the lines instead of a file descriptor (tests). */
  stream?: DestinationStream;
}

/** A logger together with what its destination had to do. */
export interface LogOutput {
  readonly log: Logger;
  /** Lines that were dropped because the reader was blocked. */
  droppedLines(): number;
  /** Writes what is buffered; gives up after `timeoutMs` with a blocked reader. */
  flush(timeoutMs: number): Promise<void>;
}

const LOG_LINE_LIMIT_BYTES = 65_536;

function pinoOptions({ service, instance, level }: LoggerOptions) {
  return {
    level,
    base: { service, instance },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }), log: redactObject, bindings: redactObject },
    serializers: { err: stdSerializers.err },
    hooks: { streamWrite: scrubLine },
  };
}

/** JSON lines on a descriptor, written without blocking from a bounded buffer. */
export function createLogOutput(options: LoggerOptions): LogOutput {
  if (options.stream !== undefined) {
    return {
      log: pino(pinoOptions(options), options.stream),
      droppedLines: () => 0,
      flush: async () => undefined,
    };
  }
  let dropped = 0;
  const out = destination({
    fd: options.fd ?? 1,
    sync: false,
    minLength: 0,
    maxLength: options.bufferBytes ?? 1_048_576,
    maxWrite: LOG_LINE_LIMIT_BYTES,
  });
  out.on('drop', () => {
    dropped += 1;
  });
  out.on('error', () => undefined);
  return {
    log: pino(pinoOptions(options), out),
    droppedLines: () => dropped,
    flush: (timeoutMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        out.flush(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}
