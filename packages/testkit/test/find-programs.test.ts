import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findGo, findHelm, findPromtool, HELM_VERSION } from '../src/index.ts';

let dir: string;
let cacheDir: string;
let path: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'breakwater-programs-'));
  cacheDir = join(dir, 'cache');
  // The scripts below need a shell's programs.
  path = join(dir, 'bin');
  mkdirSync(path);
  mkdirSync(cacheDir);
});

afterEach(() => rmSync(dir, { recursive: true }));

function program(file: string, script: string): string {
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

const none = { osRelease: 'ID=other', userId: 1 };

test('a Helm 3 on the PATH is taken', async () => {
  const helm = program(join(path, 'helm'), 'echo v3.19.0+g123');
  expect(await findHelm({ path, cacheDir })).toBe(helm);
});

test('a Helm of another major version is passed over for the cached one', async () => {
  program(join(path, 'helm'), 'echo v2.17.0');
  const cached = program(join(cacheDir, `helm-${HELM_VERSION}`), 'echo v3.22');
  expect(await findHelm({ path, cacheDir })).toBe(cached);
});

test('without any, Helm is built with Go and kept for the next time', async () => {
  program(join(path, 'go'), 'printf "#!/bin/sh\\necho v3.22\\n" > "$GOBIN/helm"');
  const built = await findHelm({ path, cacheDir });
  expect(built).toBe(join(cacheDir, `helm-${HELM_VERSION}`));
  rmSync(join(path, 'go'));
  expect(await findHelm({ path, cacheDir })).toBe(built);
});

test('with nothing at all the error names every way', async () => {
  await expect(findHelm({ path, cacheDir })).rejects.toThrow(/PATH: no helm there[\s\S]*no go on the PATH/);
  program(join(path, 'go'), 'echo no network >&2; exit 1');
  await expect(findHelm({ path, cacheDir })).rejects.toThrow(/go install: .*no network/);
});

test('promtool is found on the PATH, and its absence says what to install', async () => {
  await expect(findPromtool({ path, ...none })).rejects.toThrow(/package prometheus/);
  await expect(findPromtool({ path, ...none, install: true })).rejects.toThrow(/this is not Debian/);
  const promtool = program(join(path, 'promtool'), 'true');
  expect(await findPromtool({ path, ...none })).toBe(promtool);
});

test('a Go that can fetch what a module asks for is taken, an older one is named', async () => {
  const go = program(join(path, 'go'), 'echo go1.21.0');
  expect(await findGo({ path })).toBe(go);
  program(go, 'echo go1.19.8');
  await expect(findGo({ path })).rejects.toThrow(/is go1\.19\.8\. Install Go 1\.21 or newer/);
});
