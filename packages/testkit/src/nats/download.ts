import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../system/run.ts';

/** The checksum file is small: a host that does not bring it in this time counts as unreachable. */
const CHECKSUM_TIMEOUT_MS = 5_000;
const ARCHIVE_TIMEOUT_MS = 120_000;

export interface DownloadOptions {
  /** Folder of the release, without a slash at its end. */
  releaseUrl: string;
  version: string;
  /** Where the program goes. */
  target: string;
  platform?: NodeJS.Platform;
  arch?: string;
}

/**
 * Fetches a release of nats-server, checks it against the SHA256SUMS beside it and unpacks the program.
 *
 * @throws Error when the host is out of reach, the platform is not published or the checksum differs
 */
export async function downloadNatsServer(options: DownloadOptions): Promise<void> {
  const folder = `nats-server-v${options.version}-${platformName(options)}`;
  const archiveName = `${folder}.tar.gz`;
  const sums = await (await get(`${options.releaseUrl}/SHA256SUMS`, CHECKSUM_TIMEOUT_MS)).text();
  const expected = checksumOf(sums, archiveName);
  const response = await get(`${options.releaseUrl}/${archiveName}`, ARCHIVE_TIMEOUT_MS);
  const archive = Buffer.from(await response.arrayBuffer());
  const actual = createHash('sha256').update(archive).digest('hex');
  if (actual !== expected)
    throw new Error(`checksum of ${archiveName} is ${actual}, published is ${expected}`);
  await unpack(archive, `${folder}/nats-server`, options.target);
}

function platformName(options: DownloadOptions): string {
  const platform = options.platform ?? process.platform;
  const arch = options.arch ?? process.arch;
  const names: Record<string, string> = { x64: 'amd64', arm64: 'arm64', arm: 'arm7' };
  const name = names[arch];
  if ((platform !== 'linux' && platform !== 'darwin') || name === undefined) {
    throw new Error(`no release for ${platform} on ${arch}`);
  }
  return `${platform}-${name}`;
}

async function get(url: string, timeoutMs: number): Promise<Response> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}

function checksumOf(sums: string, fileName: string): string {
  for (const line of sums.split('\n')) {
    const [checksum, name] = line.trim().split(/\s+\*?/);
    if (name === fileName && checksum !== undefined) return checksum.toLowerCase();
  }
  throw new Error(`SHA256SUMS has no line for ${fileName}`);
}

async function unpack(archive: Buffer, member: string, target: string): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'breakwater-unpack-'));
  try {
    writeFileSync(join(dir, 'release.tar.gz'), archive);
    await run('tar', ['-xzf', 'release.tar.gz', member], { cwd: dir });
    copyFileSync(join(dir, member), target);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
