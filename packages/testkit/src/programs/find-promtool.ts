import { findProgram, installDebianPackages, type SystemFacts, systemFacts } from '../system/system.ts';

export interface FindPromtoolOptions extends Partial<SystemFacts> {
  /** On Debian as root, get the package `prometheus` when nothing is there; default false. */
  install?: boolean;
  log?: (message: string) => void;
}

/**
 * Finds Prometheus' promtool, or gets Debian's.
 *
 * @throws Error that says what to install
 */
export async function findPromtool(options: FindPromtoolOptions = {}): Promise<string> {
  const facts = systemFacts(options);
  const found = findProgram(facts.path, 'promtool');
  if (found !== undefined) return found;
  let reason = '';
  if (options.install === true) {
    options.log?.("installing Debian's prometheus");
    reason = await installDebianPackages(['prometheus'], facts).then(
      () => '',
      (error: unknown) => ` Installing Debian's package: ${error instanceof Error ? error.message : error}.`,
    );
  }
  const installed = findProgram(facts.path, 'promtool');
  if (installed !== undefined) return installed;
  throw new Error(`No promtool: the tests of the alerts need it (Debian's package prometheus).${reason}`);
}
