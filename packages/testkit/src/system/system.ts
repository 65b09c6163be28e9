import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './run.ts';

/** What a search for programs looks at. */
export interface SystemFacts {
  /** Folders with programs, as in the environment variable. */
  path: string;
  /** Content of `/etc/os-release`. */
  osRelease: string;
  userId: number;
}

/** The facts of this machine, with what a test gives instead. */
export function systemFacts(given: Partial<SystemFacts> = {}): SystemFacts {
  return {
    path: given.path ?? process.env.PATH ?? '',
    osRelease:
      given.osRelease ?? (existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''),
    userId: given.userId ?? process.getuid?.() ?? -1,
  };
}

/** The first executable file of one of these names in the folders of `path`. */
export function findProgram(path: string, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    for (const dir of path.split(delimiter)) {
      const file = join(dir, name);
      if (dir !== '' && isExecutable(file)) return file;
    }
  }
  return undefined;
}

/** @throws Error when this is not Debian, we are not root, or apt-get fails */
export async function installDebianPackages(names: readonly string[], facts: SystemFacts): Promise<void> {
  const aptGet = findProgram(facts.path, 'apt-get');
  if (aptGet === undefined || !/^ID(_LIKE)?=.*debian/m.test(facts.osRelease))
    throw new Error('this is not Debian');
  if (facts.userId !== 0) throw new Error('needs root');
  const env = { ...process.env, PATH: facts.path, DEBIAN_FRONTEND: 'noninteractive' };
  await run(aptGet, ['update', '-q'], { env });
  await run(aptGet, ['install', '-y', '-q', '--no-install-recommends', ...names], { env });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
