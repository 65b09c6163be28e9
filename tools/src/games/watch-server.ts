import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot } from '@breakwater/testkit';
import { CommandError, messageOf } from '../command.ts';
import type { Recording } from './recording.ts';

const HOST = '127.0.0.1';
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.map': 'application/json',
  '.json': 'application/json',
};

interface File {
  readonly type: string;
  readonly body: Buffer;
}

/** Serves the page that plays one recording, to this machine only. */
export class WatchServer implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @throws CommandError when the page cannot be built, or the port is taken */
  static async start(recording: Recording, port: number): Promise<WatchServer> {
    const files = await buildFiles();
    files.set('/recording.json', { type: TYPES['.json']!, body: Buffer.from(JSON.stringify(recording)) });
    const server = createServer((request, response) => answer(files, request.url ?? '/', response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) =>
        reject(new CommandError(`Port ${port} cannot be used: ${error.message}.`)),
      );
      server.listen(port, HOST, resolve);
    });
    return new WatchServer(server);
  }

  get url(): string {
    return `http://${HOST}:${(this.#server.address() as AddressInfo).port}/`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}

function answer(files: ReadonlyMap<string, File>, path: string, response: ServerResponse): void {
  const file = files.get(path.split('?')[0] ?? '/');
  response.writeHead(file === undefined ? 404 : 200, {
    'content-type': file?.type ?? 'text/plain',
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'self'; img-src 'self' data:",
    'x-content-type-options': 'nosniff',
  });
  response.end(file?.body ?? 'not here');
}

/** The page belongs to the web service, and so does the knowledge how to build it. */
async function buildFiles(): Promise<Map<string, File>> {
  const dir = mkdtempSync(join(tmpdir(), 'breakwater-watch-'));
  try {
    const builder = (await import(pathToFileURL(join(projectRoot, 'services/web/build.ts')).href)) as {
      buildWatchPage(outDir: string): Promise<void>;
    };
    await builder.buildWatchPage(dir);
    return readFiles(dir);
  } catch (error) {
    throw new CommandError(`The page cannot be built: ${messageOf(error)}.`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function readFiles(dir: string): Map<string, File> {
  const files = new Map<string, File>();
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const type = TYPES[extname(path)] ?? 'application/octet-stream';
    files.set(`/${relative(dir, path)}`, { type, body: readFileSync(path) });
  }
  const index = files.get('/index.html');
  if (index !== undefined) files.set('/', index);
  return files;
}
