import { expect, test } from 'vitest';
import { at, componentOf, list, ofKind, one, podSpecs, render, type Service, VALUE_SETS } from './helm.ts';

const CLIENTS: readonly Service[] = ['chat', 'edge', 'matchmaker', 'simulation'];

test.each(VALUE_SETS)('the three probes of every service of %s are three questions', async (set) => {
  for (const deployment of ofKind(await render(set), 'Deployment')) {
    const container = list(at(deployment, 'spec.template.spec.containers'))[0];
    const paths = ['startupProbe', 'readinessProbe', 'livenessProbe'].map((probe) =>
      at(container, `${probe}.httpGet`),
    );
    expect(paths).toEqual([
      { path: '/startupz', port: 'admin' },
      { path: '/readyz', port: 'admin' },
      { path: '/livez', port: 'admin' },
    ]);
    const startSeconds =
      Number(at(container, 'startupProbe.failureThreshold')) *
      Number(at(container, 'startupProbe.periodSeconds'));
    expect(startSeconds, 'NATS may come much later').toBeGreaterThanOrEqual(600);
  }
});

test.each(VALUE_SETS)('a pod of %s is killed only after its own deadline', async (set) => {
  const objects = await render(set);
  for (const deployment of ofKind(objects, 'Deployment')) {
    const service = componentOf(deployment) as Service;
    const { data } = one(objects, 'ConfigMap', service);
    const graceMs = Number(at(deployment, 'spec.template.spec.terminationGracePeriodSeconds')) * 1_000;
    expect(graceMs, service).toBeGreaterThan(Number(data?.BREAKWATER_DRAIN_DEADLINE_MS) + 5_000);
  }
  const { data } = one(objects, 'ConfigMap', 'edge');
  const parts = [
    'BREAKWATER_DRAIN_DELAY_MS',
    'BREAKWATER_EDGE_DRAIN_SPREAD_MS',
    'BREAKWATER_EDGE_DRAIN_GRACE_MS',
  ];
  const drainMs = parts.reduce((sum, name) => sum + Number(data?.[name]), 0);
  expect(drainMs).toBeLessThan(Number(data?.BREAKWATER_DRAIN_DEADLINE_MS));
});

test('the heap follows from the memory limit', async () => {
  const heap = async (args: string[]) =>
    list(
      at(
        one(await render('defaults', args), 'Deployment', 'simulation'),
        'spec.template.spec.containers.0.env',
      ),
    )[0];
  expect(await heap([])).toEqual({ name: 'NODE_OPTIONS', value: '--max-old-space-size=576' });
  const of = (limit: string) => heap(['--set', `simulation.resources.limits.memory=${limit}`]);
  expect(at(await of('2Gi'), 'value')).toBe('--max-old-space-size=1536');
  expect(at(await of('1500M'), 'value')).toBe('--max-old-space-size=1072');
  expect(at(await of('0.5Gi'), 'value')).toBe('--max-old-space-size=384');
});

test('every container states what it needs and how much memory it may take', async () => {
  for (const set of VALUE_SETS) {
    for (const { name, spec } of podSpecs(await render(set))) {
      const resources = at(spec, 'containers.0.resources');
      expect(at(resources, 'requests.cpu'), name).toBeTruthy();
      expect(at(resources, 'requests.memory'), name).toBeTruthy();
      expect(at(resources, 'limits.memory'), name).toBeTruthy();
    }
  }
});

test('new edges start before old ones go; the others go one by one', async () => {
  const objects = await render('defaults');
  const rolling = (service: Service) =>
    at(one(objects, 'Deployment', service), 'spec.strategy.rollingUpdate');
  expect(rolling('edge')).toEqual({ maxSurge: '100%', maxUnavailable: 0 });
  expect(rolling('chat')).toEqual({ maxSurge: 1, maxUnavailable: 0 });
});

test('what is scaled by something else has no replicas in its template', async () => {
  const [plain, scaled] = [await render('defaults'), await render('production')];
  for (const service of ['edge', 'chat'] as const) {
    expect(at(one(plain, 'Deployment', service), 'spec.replicas')).toBe(2);
    expect(at(one(scaled, 'Deployment', service), 'spec')).not.toHaveProperty('replicas');
    const scaler = one(scaled, 'HorizontalPodAutoscaler', service);
    expect(scaler.apiVersion).toBe('autoscaling/v2');
    expect(at(scaler, 'spec.scaleTargetRef.name')).toBe(`bw-breakwater-${service}`);
  }
  expect(ofKind(plain, 'HorizontalPodAutoscaler')).toEqual([]);
  expect(at(one(plain, 'Deployment', 'simulation'), 'spec.replicas')).toBe(2);
  const buffered = await render('defaults', ['--set', 'simulation.buffer.enabled=true']);
  expect(at(one(buffered, 'Deployment', 'simulation'), 'spec')).not.toHaveProperty('replicas');
});

test('the matchmaker looks for exactly the pods of the simulation, and scales its Deployment', async () => {
  const objects = await render('production');
  const { data } = one(objects, 'ConfigMap', 'matchmaker');
  const simulation = one(objects, 'Deployment', 'simulation');
  const labels = at(simulation, 'spec.selector.matchLabels') as Record<string, string>;
  const selector = data?.BREAKWATER_MATCHMAKER_POD_SELECTOR?.split(',').map((term) => term.split('='));
  expect(Object.fromEntries(selector ?? [])).toEqual(labels);
  expect(data?.BREAKWATER_MATCHMAKER_DEPLOYMENT).toBe(simulation.metadata.name);
});

test('a simulation pod says on which node it is', async () => {
  const container = list(
    at(one(await render('defaults'), 'Deployment', 'simulation'), 'spec.template.spec.containers'),
  )[0];
  expect(list(at(container, 'env'))).toContainEqual({
    name: 'BREAKWATER_SIMULATION_NODE',
    valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } },
  });
});

test('evictions take one pod of a service at a time, and sick ones always', async () => {
  const objects = await render('demo');
  const budgets = ofKind(objects, 'PodDisruptionBudget');
  expect(budgets.map(componentOf).sort()).toEqual([
    'chat',
    'edge',
    'matchmaker',
    'nats',
    'simulation',
    'web',
  ]);
  for (const budget of budgets)
    expect(budget.spec).toMatchObject({ maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' });
});

test('pods are spread over zones and nodes, each rollout by itself', async () => {
  for (const service of CLIENTS) {
    const spread = list(
      at(
        one(await render('defaults'), 'Deployment', service),
        'spec.template.spec.topologySpreadConstraints',
      ),
    );
    expect(spread.map(({ topologyKey }) => topologyKey)).toEqual([
      'topology.kubernetes.io/zone',
      'kubernetes.io/hostname',
    ]);
    for (const constraint of spread) expect(constraint.matchLabelKeys).toEqual(['pod-template-hash']);
  }
});

test('a changed setting restarts the pods that have it, and no others', async () => {
  const sums = async (args: string[]) => {
    const objects = await render('defaults', args);
    return CLIENTS.map((service) =>
      Reflect.get(
        at(one(objects, 'Deployment', service), 'spec.template.metadata.annotations') as object,
        'checksum/config',
      ),
    );
  };
  const before = await sums([]);
  const after = await sums(['--set', 'edge.settings.BREAKWATER_EDGE_MAX_CONNECTIONS=7']);
  expect(new Set(before).size).toBe(4);
  expect(after.map((sum, index) => sum === before[index])).toEqual([true, false, true, true]);
});

test('every object says what it belongs to, and selectors hold only what never changes', async () => {
  for (const set of VALUE_SETS) {
    for (const object of await render(set)) {
      expect(object.metadata.labels, `${object.kind} ${object.metadata.name}`).toMatchObject({
        'app.kubernetes.io/name': 'breakwater',
        'app.kubernetes.io/instance': 'bw',
        'app.kubernetes.io/part-of': 'breakwater',
        'app.kubernetes.io/managed-by': 'Helm',
      });
      const selector = at(object, 'spec.selector.matchLabels');
      if (selector === undefined || object.kind === 'PodMonitor') continue;
      expect(Object.keys(selector as object).sort()).toEqual([
        'app.kubernetes.io/component',
        'app.kubernetes.io/instance',
        'app.kubernetes.io/name',
      ]);
    }
  }
});

test('sockets stay open behind an Ingress and behind a Gateway', async () => {
  const ingress = ofKind(await render('production'), 'Ingress')[0];
  expect(at(ingress, 'metadata.annotations')).toMatchObject({
    'nginx.ingress.kubernetes.io/proxy-read-timeout': '3600',
    'nginx.ingress.kubernetes.io/proxy-send-timeout': '3600',
  });
  const route = ofKind(await render('certificates'), 'HTTPRoute')[0];
  expect(at(route, 'spec.rules.0.timeouts')).toEqual({ request: '0s', backendRequest: '0s' });
});

test('the demo answers at one address behind an Ingress', async () => {
  const args = ['--set', 'edge.ingress.enabled=true'];
  const ingress = ofKind(await render('demo', args), 'Ingress')[0];
  const paths = list(at(ingress, 'spec.rules.0.http.paths'));
  expect(paths.map((path) => [path.path, at(path, 'backend.service.name')])).toEqual([
    ['/v1', 'bw-breakwater-edge'],
    ['/', 'bw-breakwater-web'],
  ]);
});
