/** The nats-server that Breakwater is built and tested with. */
export const NATS_SERVER_VERSION = '2.14.9';

/** The oldest one that is accepted (with one replica). */
export const OLDEST_NATS_SERVER = '2.9.0';

/** Where the release's archives and their SHA256SUMS are published. */
export const NATS_RELEASE_URL = `https://github.com/nats-io/nats-server/releases/download/v${NATS_SERVER_VERSION}`;

/** What `go install` takes. */
export const NATS_GO_MODULE = `github.com/nats-io/nats-server/v2@v${NATS_SERVER_VERSION}`;

/** True when dotted version `a` is at least `b`; anything that is not a version is not. */
export function isAtLeast(a: string, b: string): boolean {
  const left = parseVersion(a);
  const right = parseVersion(b);
  if (left === undefined || right === undefined) return false;
  for (const [index, part] of right.entries()) {
    const other = left[index] ?? 0;
    if (other !== part) return other > part;
  }
  return true;
}

function parseVersion(text: string): number[] | undefined {
  const match = /(\d+)\.(\d+)\.(\d+)/.exec(text);
  return match === null ? undefined : match.slice(1).map(Number);
}
