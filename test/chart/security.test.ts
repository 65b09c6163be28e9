import { expect, test } from 'vitest';
import { at, componentOf, list, ofKind, one, podSpecs, render, VALUE_SETS } from './helm.ts';

test.each(VALUE_SETS)(
  'every pod of %s is what the restricted Pod Security Standard admits, and stricter',
  async (set) => {
    const pods = podSpecs(await render(set));
    expect(pods.length).toBeGreaterThanOrEqual(5);
    for (const { name, spec } of pods) {
      const pod = at(spec, 'securityContext');
      expect(pod, name).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 1000,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      for (const key of ['hostNetwork', 'hostPID', 'hostIPC', 'initContainers', 'ephemeralContainers'])
        expect(at(spec, key), `${name} ${key}`).toBeUndefined();
      for (const volume of list(spec.volumes))
        expect(['configMap', 'secret', 'emptyDir'], name).toContain(
          Object.keys(volume).find((k) => k !== 'name'),
        );
      const containers = list(spec.containers);
      expect(containers.length, name).toBe(1);
      for (const container of containers) {
        expect(container.securityContext, name).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          runAsNonRoot: true,
          capabilities: { drop: ['ALL'] },
          seccompProfile: { type: 'RuntimeDefault' },
        });
        for (const port of list(container.ports)) expect(port.hostPort, name).toBeUndefined();
      }
      expect(spec.enableServiceLinks, name).toBe(false);
    }
  },
);

test('every service has an account of its own, and only the matchmaker gets its token', async () => {
  const objects = await render('demo');
  const accounts = ofKind(objects, 'ServiceAccount');
  expect(accounts.map(componentOf).sort()).toEqual([
    'chat',
    'edge',
    'matchmaker',
    'nats',
    'simulation',
    'web',
  ]);
  for (const account of accounts) expect(at(account, 'automountServiceAccountToken')).toBe(false);
  const withToken = podSpecs(objects).filter(({ spec }) => spec.automountServiceAccountToken !== false);
  expect(withToken.map(({ component }) => component)).toEqual(['matchmaker']);
  for (const { component, spec } of podSpecs(objects)) {
    if (component === 'helm-test') continue;
    expect(spec.serviceAccountName).toBe(`bw-breakwater-${component}`);
  }
});

test('the matchmaker may watch and annotate pods of its namespace, and nothing else', async () => {
  const objects = await render('defaults');
  expect(ofKind(objects, 'Role').map(({ rules }) => rules)).toEqual([
    [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'patch'] }],
  ]);
  expect(ofKind(objects, 'RoleBinding').map((binding) => at(binding, 'subjects.0.name'))).toEqual([
    'bw-breakwater-matchmaker',
  ]);
  for (const kind of ['ClusterRole', 'ClusterRoleBinding']) expect(ofKind(objects, kind)).toEqual([]);
});

test('with the buffer the matchmaker may scale the simulation as well, and no other Deployment', async () => {
  const objects = await render('defaults', ['--set', 'simulation.buffer.enabled=true']);
  expect(ofKind(objects, 'Role').flatMap(({ rules }) => rules?.slice(1))).toEqual([
    {
      apiGroups: ['apps'],
      resources: ['deployments/scale'],
      resourceNames: ['bw-breakwater-simulation'],
      verbs: ['get', 'patch'],
    },
  ]);
});

test('without the Kubernetes API there is neither a role nor a token', async () => {
  const objects = await render('certificates');
  expect([...ofKind(objects, 'Role'), ...ofKind(objects, 'RoleBinding')]).toEqual([]);
  for (const { spec } of podSpecs(objects)) expect(spec.automountServiceAccountToken).toBe(false);
});

test('guest tokens are handed out with the demo only', async () => {
  const guests = async (set: 'defaults' | 'demo') =>
    one(await render(set), 'ConfigMap', 'edge').data?.BREAKWATER_EDGE_GUEST_TOKENS;
  expect(await guests('defaults')).toBeUndefined();
  expect(await guests('demo')).toBe('true');
  for (const set of VALUE_SETS)
    for (const map of ofKind(await render(set), 'ConfigMap'))
      expect(map.data).not.toHaveProperty('BREAKWATER_DEV');
});

test('no secret is in a ConfigMap, an argument or a plain variable', async () => {
  for (const set of VALUE_SETS) {
    const objects = await render(set);
    for (const map of ofKind(objects, 'ConfigMap'))
      for (const key of Object.keys(map.data ?? {})) expect(key).not.toMatch(/PASSWORD|SECRET/);
    for (const { spec } of podSpecs(objects)) {
      for (const item of list(at(spec, 'containers.0.env')))
        if (/PASSWORD|SECRET/.test(String(item.name)))
          expect(at(item, 'valueFrom.secretKeyRef.key')).toBeTruthy();
    }
  }
});

test('of a mounted Secret a service gets the keys that it needs', async () => {
  const objects = await render('certificates');
  for (const { component, spec } of podSpecs(objects)) {
    for (const volume of list(spec.volumes)) {
      if (at(volume, 'secret') === undefined) continue;
      const keys = list(at(volume, 'secret.items')).map(({ key }) => key);
      if (volume.name === 'nats-ca') expect(keys, component).toEqual(['ca.crt']);
      else expect(keys, component).toEqual(['tls.crt', 'tls.key']);
    }
  }
});
