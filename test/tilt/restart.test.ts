import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { baseEnv, eventually, projectRoot, serviceRuntime } from '@breakwater/testkit';
import { expect, test } from 'vitest';

const SAYS = 'packages/words/src/index.ts';
// In two parts, so that it is no import of this file.
const IMPORT = ['import { word }', "from 'words';"].join(' ');
const SERVICE = `
${IMPORT}
process.on('SIGTERM', () => { console.log('goodbye ' + word); process.exitCode = 7; clearInterval(timer); });
const timer = setInterval(() => undefined, 1000);
console.log('hello ' + word);
`;

/** A container as tilt/service.Dockerfile lays it out, with a small service in it. */
class Container implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'breakwater-restart-'));
  readonly lines: string[] = [];
  readonly #process;
  readonly ended: Promise<unknown[]>;

  constructor(main = "import './services/a/src/main.ts';") {
    for (const folder of ['services/a/src', 'packages/words/src', 'node_modules'])
      mkdirSync(join(this.dir, folder), { recursive: true });
    cpSync(join(projectRoot, 'tilt/restart.ts'), join(this.dir, 'tilt/restart.ts'));
    symlinkSync('../packages/words', join(this.dir, 'node_modules/words'));
    this.#write('package.json', '{"type":"module"}');
    this.#write('packages/words/package.json', '{"type":"module","exports":"./src/index.ts"}');
    this.#write(SAYS, "export const word: string = 'one';");
    this.#write('services/a/src/main.ts', SERVICE);
    this.#write('main.ts', main);
    this.#process = spawn(serviceRuntime(), ['tilt/restart.ts'], { cwd: this.dir, env: baseEnv() });
    createInterface({ input: this.#process.stdout }).on('line', (line) => this.lines.push(line));
    this.ended = once(this.#process, 'exit');
  }

  #write(path: string, text: string): void {
    writeFileSync(join(this.dir, path), text);
  }

  /** As Tilt does it: a tar archive is unpacked over the files, then the command of the live update is run. */
  edit(text: string): void {
    const from = mkdtempSync(join(tmpdir(), 'breakwater-edit-'));
    try {
      mkdirSync(join(from, 'packages/words/src'), { recursive: true });
      writeFileSync(join(from, SAYS), text);
      const archive = execFileSync('tar', ['-C', from, '-c', SAYS]);
      execFileSync('tar', ['-C', this.dir, '-x', '-f', '-'], { input: archive });
    } finally {
      rmSync(from, { recursive: true });
    }
    this.#process.kill('SIGHUP');
  }

  says(line: string): Promise<unknown> {
    return eventually(() => expect(this.lines).toContain(line), { timeoutMs: 60_000 });
  }

  stop(): void {
    this.#process.kill('SIGTERM');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.stop();
      await this.ended;
    }
    rmSync(this.dir, { recursive: true });
  }
}

test('every edit of a package starts the service again, after it said goodbye', {
  timeout: 300_000,
}, async () => {
  await using container = new Container();
  await container.says('hello one');
  for (const word of ['two', 'three', 'four']) {
    container.edit(`export const word: string = '${word}';`);
    await container.says(`hello ${word}`);
  }
  const words = ['one', 'two', 'three', 'four'];
  expect(container.lines).toEqual(
    words.flatMap((word, index) =>
      (index === 0 ? [] : [`goodbye ${words[index - 1]}`]).concat(`hello ${word}`),
    ),
  );
});

test('an edit with a mistake waits for the next one', { timeout: 300_000 }, async () => {
  await using container = new Container();
  await container.says('hello one');
  container.edit('export const word: string = ;');
  await container.says('goodbye one');
  container.edit("export const word: string = 'mended';");
  await container.says('hello mended');
});

test('a stop is passed on, and ends with the code of the service', { timeout: 300_000 }, async () => {
  await using container = new Container();
  await container.says('hello one');
  container.stop();
  expect(await container.ended).toEqual([7, null]);
  expect(container.lines).toEqual(['hello one', 'goodbye one']);
});

test('a service that fails before any edit ends the container', { timeout: 300_000 }, async () => {
  await using container = new Container('process.exitCode = 3;');
  expect(await container.ended).toEqual([3, null]);
});
