import { run } from '../system/run.ts';
import { findProgram, type SystemFacts, systemFacts } from '../system/system.ts';

/** Older ones cannot fetch the toolchain that a module asks for. */
const OLDEST_MINOR = 21;
/** Where the archives of the Go project are unpacked. */
const USUAL_FOLDER = '/usr/local/go/bin';

/**
 * Finds Go, 1.21 or newer.
 *
 * @throws Error that says what was found and what to install
 */
export async function findGo(given: Partial<SystemFacts> = {}): Promise<string> {
  const facts = systemFacts(given);
  const program = findProgram(`${facts.path}:${USUAL_FOLDER}`, 'go');
  const wanted = `Install Go 1.${OLDEST_MINOR} or newer.`;
  if (program === undefined) throw new Error(`No go on the PATH or in ${USUAL_FOLDER}. ${wanted}`);
  const version = await run(program, ['env', 'GOVERSION'], { timeoutMs: 60_000 });
  const minor = Number(/^go1\.(\d+)/.exec(version.trim())?.[1]);
  if (minor >= OLDEST_MINOR) return program;
  throw new Error(`${program} is ${version.trim()}. ${wanted}`);
}
