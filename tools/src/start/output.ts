import type { LogLine } from '@breakwater/testkit';
import { formatTable } from '../text-table.ts';

/** What runs where, for the person who started it. */
export interface Running {
  url: string;
  rows: readonly RunningRow[];
  /** Where the data is kept. */
  dataDir: string;
}

export interface RunningRow {
  service: string;
  instance: string;
  port: number | undefined;
  adminPort: number | undefined;
  pid: number;
}

export type Level = 'info' | 'warn' | 'error';

/** Where the launcher and the services say what happens. */
export interface Output {
  say(level: Level, message: string): void;
  log(instance: string, line: LogLine): void;
  running(info: Running): void;
}

/** For a person at a terminal, or as JSON lines for a program. */
export function createOutput(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Output {
  return stream.isTTY ? new TerminalOutput(stream, env.NO_COLOR === undefined) : new JsonOutput(stream);
}

const COLOURS: Readonly<Record<string, number>> = {
  breakwater: 37,
  nats: 90,
  chat: 36,
  matchmaker: 35,
  simulation: 33,
  edge: 32,
  web: 34,
  bots: 95,
};

const HIDDEN_FIELDS = new Set(['level', 'time', 'service', 'instance', 'msg', 'pid', 'hostname']);

/** One line an event: time, instance in its service's colour, level when it matters, message, fields. */
export class TerminalOutput implements Output {
  readonly #stream: Pick<NodeJS.WritableStream, 'write'>;
  readonly #hasColour: boolean;

  constructor(stream: Pick<NodeJS.WritableStream, 'write'>, hasColour: boolean) {
    this.#stream = stream;
    this.#hasColour = hasColour;
  }

  say(level: Level, message: string): void {
    this.#write('breakwater', level, message);
  }

  log(instance: string, line: LogLine): void {
    const { fields } = line;
    if (fields === undefined) {
      this.#write(instance, line.source === 'stderr' ? 'error' : 'info', line.text);
      return;
    }
    const level = typeof fields.level === 'string' ? fields.level : 'info';
    const rest = Object.entries(fields).filter(([name]) => !HIDDEN_FIELDS.has(name));
    const details = rest.map(([name, value]) => this.#dim(`${name}=${detail(value)}`)).join(' ');
    this.#write(instance, level, `${String(fields.msg ?? '')} ${details}`.trimEnd());
  }

  running(info: Running): void {
    const table = formatTable(
      ['service', 'instance', 'port', 'admin', 'pid'],
      info.rows.map((row) => [
        row.service,
        row.instance,
        text(row.port),
        text(row.adminPort),
        String(row.pid),
      ]),
    );
    const url = this.#hasColour ? `\u001b[1;4m${info.url}\u001b[0m` : info.url;
    this.#stream.write(
      `\n  Breakwater runs: ${url}\n\n${table}\n\n  Data is in ${info.dataDir}. Ctrl-C stops everything.\n\n`,
    );
  }

  #write(instance: string, level: string, message: string): void {
    const time = new Date().toTimeString().slice(0, 8);
    const service = instance.replace(/-\d+$/, '');
    const name = this.#paint(COLOURS[service] ?? 37, instance.padEnd(12));
    const mark =
      level === 'info' ? '' : `${this.#paint(level === 'warn' ? 33 : level === 'debug' ? 90 : 31, level)} `;
    this.#stream.write(`${this.#dim(time)} ${name} ${mark}${message}\n`);
  }

  #dim(message: string): string {
    return this.#paint(90, message);
  }

  #paint(colour: number, message: string): string {
    return this.#hasColour ? `\u001b[${colour}m${message}\u001b[0m` : message;
  }
}

/** The services' lines as they are; what is not JSON yet becomes so. */
export class JsonOutput implements Output {
  readonly #stream: Pick<NodeJS.WritableStream, 'write'>;

  constructor(stream: Pick<NodeJS.WritableStream, 'write'>) {
    this.#stream = stream;
  }

  say(level: Level, message: string): void {
    this.#write({ level, service: 'breakwater', msg: message });
  }

  log(instance: string, line: LogLine): void {
    if (line.fields !== undefined) this.#stream.write(`${line.text}\n`);
    else this.#write({ level: line.source === 'stderr' ? 'warn' : 'info', instance, msg: line.text });
  }

  running(info: Running): void {
    this.#write({
      level: 'info',
      service: 'breakwater',
      msg: `Breakwater runs: ${info.url}`,
      url: info.url,
      processes: info.rows,
    });
  }

  #write(fields: Record<string, unknown>): void {
    this.#stream.write(`${JSON.stringify({ time: new Date().toISOString(), ...fields })}\n`);
  }
}

function detail(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function text(value: number | undefined): string {
  return value === undefined ? '' : String(value);
}
