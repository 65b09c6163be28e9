import { expect, test } from 'vitest';
import { at, type Json, type KubeObject, list, ofKind, render, type ValueSet } from './helm.ts';

/** `component` of a peer, or the place that it stands for. */
function peersOf(rule: Json, key: 'from' | 'to'): string[] {
  const peers = rule[key];
  if (peers === undefined) return ['anywhere'];
  return list(peers).map((peer) => {
    const cidr = at(peer, 'ipBlock.cidr');
    if (cidr !== undefined) return String(cidr);
    const component = at(peer, 'podSelector.matchLabels')
      ? Reflect.get(at(peer, 'podSelector.matchLabels') as object, 'app.kubernetes.io/component')
      : undefined;
    const namespace = at(peer, 'namespaceSelector.matchLabels') as Record<string, string> | undefined;
    return String(component ?? namespace?.['kubernetes.io/metadata.name'] ?? 'other');
  });
}

const portsOf = (rule: Json): string =>
  list(rule.ports)
    .map(({ protocol, port }) => `${protocol === 'TCP' ? '' : `${protocol}/`}${port}`)
    .join(',');

function arrowsOf(objects: readonly KubeObject[], direction: 'ingress' | 'egress'): string[] {
  const key = direction === 'ingress' ? 'from' : 'to';
  return ofKind(objects, 'NetworkPolicy')
    .flatMap((policy) => {
      const labels = at(policy, 'spec.podSelector.matchLabels') as Record<string, string>;
      const self = labels['app.kubernetes.io/component'] ?? '*';
      return list(at(policy, `spec.${direction}`)).flatMap((rule) =>
        peersOf(rule, key).map((peer) =>
          direction === 'ingress'
            ? `${peer} -> ${self} ${portsOf(rule)}`
            : `${self} -> ${peer} ${portsOf(rule)}`,
        ),
      );
    })
    .sort();
}

interface Table {
  readonly ingress: readonly string[];
  readonly egress: readonly string[];
}

const TABLES: Readonly<Record<Exclude<ValueSet, 'certificates'>, Table>> = {
  defaults: {
    ingress: [
      'anywhere -> edge 8081',
      'chat -> nats 4222',
      'edge -> nats 4222',
      'helm-test -> edge 8081',
      'matchmaker -> nats 4222',
      'operator -> nats 4222',
      'simulation -> nats 4222',
    ],
    egress: [
      '* -> other UDP/53,53',
      'chat -> nats 4222',
      'edge -> nats 4222',
      'helm-test -> edge 8081',
      'matchmaker -> 0.0.0.0/0 443,6443',
      'matchmaker -> nats 4222',
      'operator -> nats 4222',
      'simulation -> nats 4222',
    ],
  },
  demo: {
    ingress: [
      'anywhere -> edge 8081',
      'anywhere -> web 8080',
      'chat -> nats 4222',
      'edge -> nats 4222',
      'helm-test -> edge 8081',
      'helm-test -> web 8080',
      'matchmaker -> nats 4222',
      'operator -> nats 4222',
      'simulation -> nats 4222',
      'web -> edge 8081',
    ],
    egress: [
      '* -> other UDP/53,53',
      'chat -> nats 4222',
      'edge -> nats 4222',
      'helm-test -> edge 8081',
      'helm-test -> web 8080',
      'matchmaker -> 0.0.0.0/0 443,6443',
      'matchmaker -> nats 4222',
      'operator -> nats 4222',
      'simulation -> nats 4222',
      'web -> edge 8081',
    ],
  },
  production: {
    ingress: [
      'helm-test -> edge 8081',
      'ingress-nginx -> edge 8081',
      'monitoring -> chat 9090',
      'monitoring -> edge 9090',
      'monitoring -> matchmaker 9090',
      'monitoring -> simulation 9090',
    ],
    egress: [
      '* -> other UDP/53,53',
      'chat -> anywhere 4222',
      'chat -> anywhere 4318',
      'edge -> anywhere 4222',
      'edge -> anywhere 4318',
      'edge -> anywhere 443',
      'helm-test -> edge 8081',
      'matchmaker -> 10.1.0.1/32 6443',
      'matchmaker -> anywhere 4222',
      'matchmaker -> anywhere 4318',
      'simulation -> anywhere 4222',
      'simulation -> anywhere 4318',
    ],
  },
};

test.each(Object.entries(TABLES))('of %s exactly these connections are allowed', async (set, table) => {
  const objects = await render(set as ValueSet);
  expect(arrowsOf(objects, 'ingress')).toEqual([...table.ingress].sort());
  expect(arrowsOf(objects, 'egress')).toEqual([...table.egress].sort());
});

test('every pod of the release, and no other, is denied what is not allowed', async () => {
  const policies = ofKind(await render('demo'), 'NetworkPolicy');
  for (const policy of policies) {
    expect(at(policy, 'spec.policyTypes')).toEqual(['Ingress', 'Egress']);
    expect(at(policy, 'spec.podSelector.matchLabels')).toMatchObject({ 'app.kubernetes.io/instance': 'bw' });
  }
  const deny = policies.find(({ metadata }) => metadata.name === 'bw-breakwater-deny');
  expect(at(deny, 'spec.ingress')).toBeUndefined();
  expect(at(deny, 'spec.podSelector.matchLabels')).not.toHaveProperty('app.kubernetes.io/component');
});

test('network policies can be left out', async () => {
  expect(ofKind(await render('defaults', ['--set', 'networkPolicy.enabled=false']), 'NetworkPolicy')).toEqual(
    [],
  );
});
