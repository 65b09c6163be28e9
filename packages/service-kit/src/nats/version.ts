import { ServerVersionError } from './errors.ts';

export interface ServerVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

export interface ServerNeeds {
  /** Copies that streams of this installation keep. */
  replicas: number;
}

/** `2.14.9`, `2.12.0-beta.1`; `undefined` when the text is no version. */
export function parseServerVersion(text: string): ServerVersion | undefined {
  const match = /^v?(\d+)\.(\d+)\.(\d+)/.exec(text);
  if (match === null) return undefined;
  return { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3]) };
}

function isAtLeast(version: ServerVersion, major: number, minor: number): boolean {
  return version.major > major || (version.major === major && version.minor >= minor);
}

/**
 * What is wrong with a server for these needs, in one sentence; `undefined` when it will do.
 * Below 2.9 republished messages lack what the feeds need; below 2.12 replicated compare-and-set
 * and replicated recovery have known ways to lose data (nats-server issues 4320, 5840, 6194).
 */
export function serverFault(versionText: string, { replicas }: ServerNeeds): string | undefined {
  const version = parseServerVersion(versionText);
  if (version === undefined)
    return `The NATS server says its version is "${versionText}", which cannot be read.`;
  if (!isAtLeast(version, 2, 9))
    return `The NATS server is version ${versionText}; version 2.9 or newer is needed.`;
  if (replicas > 1 && !isAtLeast(version, 2, 12)) {
    return `The NATS server is version ${versionText}; ${replicas} replicas need version 2.12 or newer (older servers can lose replicated writes), so use one replica or a newer server.`;
  }
  return undefined;
}

/** @throws ServerVersionError with one sentence */
export function assertServerVersion(versionText: string, needs: ServerNeeds): void {
  const fault = serverFault(versionText, needs);
  if (fault !== undefined) throw new ServerVersionError(fault);
}
