#!/usr/bin/env node
// The door to the `breakwater` command. It runs on any Node from 20 on and before anything is installed: it brings
// the packages that the lockfile names, then hands over to the Node 24 among them.

const OLDEST_NODE = 20;
/** While npm works, a line says so this often, in ms. */
const STILL_INSTALLING_MS = 3_000;

if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
  fail(`Breakwater needs Node ${OLDEST_NODE} or newer, and this is Node ${process.versions.node}.`);
} else {
  main().catch((error) => fail(error instanceof Error ? error.message : String(error)));
}

async function main() {
  const { join, resolve } = await import('node:path');
  const { fileURLToPath } = await import('node:url');
  const root = resolve(fileURLToPath(import.meta.url), '../..');
  if (!(await isInstalled(root))) await install(root);
  process.exitCode = await handOver(
    join(root, 'node_modules/.bin/node'),
    join(root, 'tools/src/main.ts'),
    process.argv.slice(2),
  );
}

/** True when `node_modules` holds what the lockfile says: npm keeps its own record of what it installed. */
async function isInstalled(root) {
  const { existsSync } = await import('node:fs');
  const { join } = await import('node:path');
  if (!existsSync(join(root, 'node_modules/.bin/node'))) return false;
  const wanted = await packagesOf(join(root, 'package-lock.json'));
  const present = await packagesOf(join(root, 'node_modules/.package-lock.json'));
  if (wanted === undefined || present === undefined) return present !== undefined;
  return Object.entries(wanted).every(([path, entry]) => {
    const found = present[path];
    // Workspaces are in the lockfile under their folders; packages for other platforms are not installed.
    if (found === undefined) return !path.startsWith('node_modules/') || entry.optional === true;
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

async function packagesOf(file) {
  const { readFile } = await import('node:fs/promises');
  try {
    return JSON.parse(await readFile(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

async function install(root) {
  console.error('Breakwater: installing packages (npm ci), once.');
  // The runtime and the tools are development dependencies, whatever NODE_ENV says. npm's warnings are about the
  // Node that runs npm, which is not the one that will run the packages.
  const startedAt = Date.now();
  const still = setInterval(() => {
    const seconds = Math.round((Date.now() - startedAt) / 1_000);
    console.error(`Breakwater: still installing packages (${seconds} s).`);
  }, STILL_INSTALLING_MS);
  const { code } = await run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
    .catch((error) => {
      throw new Error(`npm cannot be started (${error.message}): Breakwater needs npm on the PATH.`);
    })
    .finally(() => clearInterval(still));
  if (code === 0 && (await isInstalled(root))) return;
  const misfit = await findMisfit(root);
  if (misfit !== undefined) throw new Error(misfit);
  if (code !== 0) throw new Error(`Installing failed: "npm ci" in ${root} ended with exit code ${code}.`);
  const { existsSync } = await import('node:fs');
  const { join } = await import('node:path');
  throw new Error(
    existsSync(join(root, 'node_modules/.bin/node'))
      ? `"npm ci" in ${root} did not install everything that package-lock.json names.`
      : `"npm ci" in ${root} did not install Node 24 (the npm package "node"): allow its install script to run.`,
  );
}

const DEPENDENCY_KINDS = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'];

/** A sentence about the first package of the project that the lockfile tells otherwise, or undefined. */
async function findMisfit(root) {
  const { isDeepStrictEqual } = await import('node:util');
  const { readFile } = await import('node:fs/promises');
  const { join } = await import('node:path');
  const locked = (await packagesOf(join(root, 'package-lock.json'))) ?? {};
  for (const folder of Object.keys(locked).filter((path) => !path.includes('node_modules/'))) {
    const file = join(folder, 'package.json');
    const text = await readFile(join(root, file), 'utf8').catch(() => undefined);
    const declared = text === undefined ? undefined : JSON.parse(text);
    const kind = DEPENDENCY_KINDS.find(
      (name) => !isDeepStrictEqual(declared?.[name] ?? {}, locked[folder][name] ?? {}),
    );
    if (declared !== undefined && kind === undefined) continue;
    const what = declared === undefined ? `${file} is not there` : `${kind} of ${file} are others`;
    return `package-lock.json does not fit (${what}): run "npm install" in ${root} once.`;
  }
  return undefined;
}

/** Runs the real command; its exit code is ours and the signals that reach us go on to it. */
async function handOver(node, main, args) {
  // The channel carries nothing: its end tells the command that we are gone, even by SIGKILL.
  const { code, signal } = await run(node, [main, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  if (signal === null) return code;
  const { constants } = await import('node:os');
  return 128 + constants.signals[signal];
}

async function run(command, args, options) {
  const { spawn } = await import('node:child_process');
  const child = spawn(command, args, options);
  const forward = (signal) => child.kill(signal);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
  } finally {
    for (const signal of signals) process.off(signal, forward);
  }
}

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}
