import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDir, isPortFree } from '@breakwater/testkit';

const USUAL_URL = 'nats://127.0.0.1:4222';

/**
 * The NATS of the installation that is meant: the option, else `BREAKWATER_NATS_URL`, else that of the `start` that
 * runs in this checkout, else the usual port of this machine. User and password come from `BREAKWATER_NATS_USER` and
 * `BREAKWATER_NATS_PASSWORD` when the URL has none.
 */
export async function natsUrlFrom(
  option: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const url = option ?? env.BREAKWATER_NATS_URL ?? (await startedNatsUrl()) ?? USUAL_URL;
  return withLogin(url, env.BREAKWATER_NATS_USER, env.BREAKWATER_NATS_PASSWORD);
}

/** `start` takes another port when the usual one is taken, and writes it down for its server. */
async function startedNatsUrl(): Promise<string | undefined> {
  const file = join(dataDir, 'nats/nats-1.conf');
  const port = existsSync(file) ? /^listen: "[^"]*:(\d+)"/m.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
  const isOld = port === undefined || (await isPortFree(Number(port)));
  return isOld ? undefined : `nats://127.0.0.1:${port}`;
}

function withLogin(url: string, user: string | undefined, password: string | undefined): string {
  const [first = '', ...others] = url.split(',');
  const parsed = URL.parse(first.trim());
  if (parsed === null || parsed.username !== '' || user === undefined) return url;
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password ?? '')}`;
  return [`${parsed.protocol}//${login}@${parsed.host}`, ...others].join(',');
}
