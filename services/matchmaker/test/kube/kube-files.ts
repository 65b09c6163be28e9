import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Kubeconfig files in a folder of their own. */
export class KubeFiles implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'breakwater-kube-'));
  #files = 0;

  /** A kubeconfig for a server without TLS and without credentials. */
  plain(server: string): string {
    return this.write({
      'current-context': 'test',
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
      clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'test', user: {} }],
    });
  }

  /** JSON is YAML, too. */
  write(config: object): string {
    const file = join(this.#folder, `config-${this.#files++}.yaml`);
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...config }));
    return file;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
