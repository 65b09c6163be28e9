import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '@breakwater/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { type Json, list, readText } from '../chart/helm.ts';
import { faultsOf } from './kind-schema.ts';

const config = (): Json =>
  parseDocument(readText('k8s/kind.yaml'), { strict: true, uniqueKeys: true }).toJS() as Json;

describe('the kind configuration', () => {
  test('has only what kind knows', () => {
    expect(faultsOf(config())).toEqual([]);
  });

  test('is held against every field: what is misspelt, missing or of another type is found', () => {
    expect(faultsOf({ ...config(), node: [] })).toEqual(['node: unknown']);
    expect(faultsOf({ ...config(), apiVersion: 'kind.x-k8s.io/v1' })[0]).toMatch(/^apiVersion: /);
    expect(faultsOf({ ...config(), nodes: [{ role: 'master' }] })[0]).toMatch(/^nodes\[0\]\.role: /);
    expect(faultsOf({ ...config(), nodes: [{ role: 'worker', labels: { a: 1 } }] })[0]).toMatch(
      /labels\.a: /,
    );
    expect(faultsOf({ ...config(), nodes: [{ extraPortMappings: [{ containerPort: '80' }] }] })[0]).toMatch(
      /containerPort: /,
    );
  });

  test('has one control plane and three workers, each in a zone of its own', () => {
    const nodes = list(config().nodes);
    expect(nodes.filter(({ role }) => role === 'control-plane')).toHaveLength(1);
    const zones = nodes
      .filter(({ role }) => role === 'worker')
      .map(({ labels }) => Reflect.get(labels as object, 'topology.kubernetes.io/zone'));
    expect(zones).toEqual(['a', 'b', 'c']);
  });
});

/** Stands in for docker, kind and kubectl: writes down how it was called, and knows one cluster and one container. */
const FAKE = `#!/bin/bash
echo "$(basename "$0") $*" >> "$STATE/calls"
case "$(basename "$0") $*" in
  "docker info") [ ! -e "$STATE/no-docker" ] ;;
  "kind get clusters") cat "$STATE/clusters" 2>/dev/null || true ;;
  "kind create cluster"*) echo breakwater > "$STATE/clusters" ;;
  "kind delete cluster"*) rm "$STATE/clusters" ;;
  "kind get nodes"*) echo breakwater-worker ;;
  "docker ps"*) cat "$STATE/containers" 2>/dev/null || true ;;
  "docker run"*) echo 1234 > "$STATE/containers" ;;
  "docker rm"*) rm "$STATE/containers" ;;
  "docker exec -i"* | "kubectl"*"apply"*) cat > /dev/null ;;
esac
`;

describe('k8s/kind-up', () => {
  let dir: string;
  const bin = () => join(dir, 'bin');

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'breakwater-kind-'));
    mkdirSync(bin());
    for (const name of ['docker', 'kind', 'kubectl']) {
      writeFileSync(join(bin(), name), FAKE);
      chmodSync(join(bin(), name), 0o755);
    }
    for (const name of ['bash', 'env', 'cat', 'dirname', 'basename', 'grep', 'rm', 'mkdir'])
      for (const folder of ['/usr/bin', '/bin'])
        if (existsSync(join(folder, name)) && !existsSync(join(bin(), name)))
          writeFileSync(join(bin(), name), `#!/bin/bash\nexec ${join(folder, name)} "$@"\n`, { mode: 0o755 });
  });

  afterEach(() => rmSync(dir, { recursive: true }));

  const run = (...args: string[]) => {
    rmSync(join(dir, 'calls'), { force: true });
    appendFileSync(join(dir, 'calls'), '');
    const { status, stdout, stderr } = spawnSync('/bin/bash', [join(projectRoot, 'k8s/kind-up'), ...args], {
      env: { PATH: bin(), STATE: dir },
      encoding: 'utf8',
    });
    return { status, stdout, stderr, calls: readFileSync(join(dir, 'calls'), 'utf8') };
  };

  test('makes the cluster of the configuration and waits for its nodes', () => {
    const { status, calls, stdout } = run();
    expect(status).toBe(0);
    expect(calls).toMatch(/^kind create cluster --config \S+k8s\/kind\.yaml --wait \d+s$/m);
    expect(calls).toMatch(/^kubectl --context kind-breakwater wait --for=condition=Ready node --all/m);
    expect(calls).not.toContain('docker run');
    expect(stdout).toContain('Ready.');
  });

  test('leaves a cluster that is there as it is', () => {
    run();
    const { status, calls } = run();
    expect(status).toBe(0);
    expect(calls).not.toContain('create');
    expect(calls).toContain('kind export kubeconfig --name breakwater');
    expect(calls).toContain('kubectl --context kind-breakwater wait');
  });

  test('brings a registry that only this machine reaches, once, and tells nodes and tools of it', () => {
    const { status, calls, stderr } = run('--registry');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(calls).toMatch(/docker run .*--publish 127\.0\.0\.1:5001:5000 registry:2$/m);
    expect(calls).toContain('docker network connect kind breakwater-registry');
    expect(calls).toMatch(
      /docker exec -i breakwater-worker cp \/dev\/stdin \/etc\/containerd\/certs\.d\/localhost:5001\/hosts\.toml/,
    );
    expect(calls).toMatch(/kubectl .*apply/);
    expect(run('--registry').calls).not.toContain('docker run');
    expect(readText('k8s/kind.yaml')).toContain('/etc/containerd/certs.d');
  });

  test('takes cluster and registry away, and has nothing against there being none', () => {
    run('--registry');
    const first = run('--delete');
    expect(first.status).toBe(0);
    expect(first.calls).toContain('kind delete cluster --name breakwater');
    expect(first.calls).toContain('docker rm --force breakwater-registry');
    const second = run('--delete');
    expect(second.status).toBe(0);
    expect(second.stdout).toContain('There is no cluster');
  });

  test('says in one line what is missing', () => {
    rmSync(join(bin(), 'kind'));
    expect(run()).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^kind-up: kind is not on the PATH\. .*\n$/),
    });
    rmSync(join(bin(), 'docker'));
    expect(run()).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^kind-up: docker is not on the PATH/),
    });
  });

  test('says that Docker does not answer', () => {
    writeFileSync(join(dir, 'no-docker'), '');
    expect(run()).toMatchObject({ status: 1, stderr: expect.stringContaining('Docker does not answer') });
  });

  test('refuses an option that it does not have', () => {
    const { status, stderr, calls } = run('--remove');
    expect({ status, calls }).toEqual({ status: 1, calls: '' });
    expect(stderr).toContain('--remove is not an option');
  });
});
