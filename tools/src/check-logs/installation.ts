import { BUCKETS, INSTALL_PARTITIONS_KEY, inboxPrefixOf, installPartitions } from '@breakwater/bus';
import { decode } from '@breakwater/protocol';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';

export interface InstallationOptions {
  /** `nats://[user:password@]host:port`, several with commas. */
  readonly nats: string;
  /** Partitions of the installation. Default: what it says itself. */
  readonly partitions?: number | undefined;
  /** Deadline of one request, ms. Default 10 000. */
  readonly timeoutMs?: number | undefined;
  /** A lost connection is given up after so many tries, 2 s apart; -1: never. Default 10. */
  readonly maxReconnects?: number | undefined;
  /** How the connection is called on the server. Default `breakwater-check`. */
  readonly name?: string | undefined;
}

/** The NATS of an installation, open for reading. */
export interface Installation {
  readonly nc: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly partitions: number;
}

/** @throws Error when there is no server, or no installation on it */
export async function openInstallation(options: InstallationOptions): Promise<Installation> {
  const timeoutMs = options.timeoutMs ?? 10_000;
  const nc = await connect({
    ...serversOf(options.nats),
    timeout: timeoutMs,
    maxReconnectAttempts: options.maxReconnects ?? 10,
    name: options.name ?? 'breakwater-check',
    inboxPrefix: inboxPrefixOf('operator'),
  });
  try {
    const jsm = await jetstreamManager(nc, { timeout: timeoutMs });
    return { nc, jsm, partitions: options.partitions ?? (await installedPartitions(jsm)) };
  } catch (error) {
    await nc.close();
    throw error;
  }
}

function serversOf(url: string) {
  const urls = url.split(',').map((part) => new URL(part.trim()));
  const first = urls[0];
  const login =
    first === undefined || first.username === ''
      ? {}
      : { user: decodeURIComponent(first.username), pass: decodeURIComponent(first.password) };
  const tls = first?.protocol === 'tls:' ? { tls: {} } : {};
  return { servers: urls.map(({ host }) => host), ...login, ...tls };
}

async function installedPartitions(jsm: JetStreamManager): Promise<number> {
  const { name } = BUCKETS.install;
  const entry = await jsm.streams
    .getMessage(`KV_${name}`, { last_by_subj: `$KV.${name}.${INSTALL_PARTITIONS_KEY}` })
    .catch(() => null);
  const stored = entry === null ? undefined : decode(installPartitions, entry.json());
  if (stored?.ok !== true)
    throw new Error('this NATS holds no installation of Breakwater (give --partitions if it does)');
  return stored.value.partitions;
}
