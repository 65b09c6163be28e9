import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { projectRoot } from '@breakwater/testkit';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stagePackages } from './stage-packages.ts';

const folder = mkdtempSync(join(tmpdir(), 'breakwater-package-'));
const PROGRAM = `
import { connect, type Client } from '@breakwater/client';
export const open = (token: string): Promise<Client> => connect({ urls: ['https://edge.example'], token });
`;

beforeAll(() => {
  stagePackages(join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'program.ts'), PROGRAM);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the emitted package is JavaScript that Node imports as it is', () => {
  const script = `import * as sdk from '@breakwater/client'; console.log(Object.keys(sdk).sort().join())`;
  writeFileSync(join(folder, 'run.js'), script);
  const names = execFileSync(process.execPath, ['run.js'], { cwd: folder, encoding: 'utf8' })
    .trim()
    .split(',');
  expect(names).toContain('connect');
  expect(names).toContain('BreakwaterError');
});

test('the emitted declarations type a program that uses the package', () => {
  const options = {
    strict: true,
    module: 'nodenext',
    target: 'es2024',
    noEmit: true,
    lib: ['es2024', 'esnext.disposable', 'dom'],
    types: [],
  };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: ['program.ts'] }),
  );
  const tsc = join(projectRoot, 'node_modules/.bin/tsc');
  expect(() => execFileSync(tsc, ['-p', folder], { stdio: 'pipe', encoding: 'utf8' })).not.toThrow();
  writeFileSync(join(folder, 'program.ts'), `${PROGRAM}\nconst wrong: number = await open('x');\n`);
  expect(() => execFileSync(tsc, ['-p', folder], { stdio: 'pipe', encoding: 'utf8' })).toThrow();
  writeFileSync(join(folder, 'program.ts'), PROGRAM);
});

test('the bundle for browsers needs nothing of Node', async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(folder, 'program.ts')],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const code = outputFiles[0]!.text;
  expect(code).not.toMatch(/["']node:|\brequire\(|process\.env/);
  const imports = Object.values(metafile.inputs).flatMap(({ imports: list }) => list);
  expect(imports.filter(({ external }) => external === true)).toEqual([]);
  const kib = (bytes: number): string => (bytes / 1024).toFixed(1);
  console.info(
    `SDK for browsers: ${kib(code.length)} KiB, gzip ${kib(gzipSync(code).length)}, brotli ${kib(brotliCompressSync(code).length)}`,
  );
  // Nobody notices a page that doubles unless something says so; the page's own budget is 100 KB.
  expect(gzipSync(code).length).toBeLessThan(40 * 1024);
});
