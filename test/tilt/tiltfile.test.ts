import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '@breakwater/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { at, type Json, type KubeObject, list, podSpecs, readText, SERVICES } from '../chart/helm.ts';
import { callsOf, reactionTo, stepsOf, Tilt, type TiltRun, texts } from './tilt.ts';

let tilt: Tilt;
let up: TiltRun;

beforeAll(async () => {
  tilt = await Tilt.build();
  up = await tilt.run('up');
}, 600_000);

afterAll(() => tilt?.[Symbol.asyncDispose]());

const imageOf = (service: string): Json => {
  const found = callsOf(up, 'docker_build').find(({ ref }) => ref === `breakwater/${service}`);
  if (found === undefined) throw new Error(`no image of ${service}`);
  return found;
};

const resourceOf = (run: TiltRun, name: string): Json | undefined =>
  callsOf(run, 'k8s_resource').find(({ workload, new_name }) => (workload ?? new_name) === name);

const manifestOf = (folder: string): { name: string; dependencies?: Record<string, string> } =>
  JSON.parse(readText(`${folder}/package.json`));

/** Folders of a service's workspaces by what their manifests say, not by the lock file that the Tiltfile reads. */
function workspacesOf(folder: string): ReadonlySet<string> {
  const found = new Set([folder]);
  for (const each of found)
    for (const name of Object.keys(manifestOf(each).dependencies ?? {})) {
      const [, short = ''] = /^@breakwater\/(.*)$/.exec(name) ?? [];
      if (short !== '')
        found.add(
          short.startsWith('game-') && short !== 'game-kit' ? `games/${short.slice(5)}` : `packages/${short}`,
        );
    }
  return found;
}

test('a folder in services is an image and a resource', () => {
  expect(callsOf(up, 'docker_build').map(({ ref }) => ref)).toEqual(
    SERVICES.map((name) => `breakwater/${name}`),
  );
  expect(up.workloads.map(({ resource }) => resource).sort()).toEqual(
    [...SERVICES, 'nats', 'helm-test'].sort(),
  );
  for (const name of SERVICES) expect(resourceOf(up, name)?.labels, name).toEqual(['services']);
});

test('every image that the chart asks for is built, or is a public one', () => {
  const built = callsOf(up, 'docker_build').map(({ ref }) => String(ref));
  const used = new Set(
    podSpecs(up.objects).flatMap(({ spec }) => list(spec.containers).map(({ image }) => String(image))),
  );
  expect(used.size).toBe(SERVICES.length + 1);
  for (const image of used) expect([...built, 'nats']).toContain(image.replace(/:[^:/]*$/, ''));
});

test.each(SERVICES)(
  'edits of every workspace that %s is made of are copied to where its image has it',
  (service) => {
    const image = imageOf(service);
    const synced = new Map(stepsOf(image, 'sync').map((step) => [String(step.local_path), step.remote_path]));
    const wanted = [...workspacesOf(`services/${service}`)].map((folder) => `${folder}/src`);
    if (service === 'web') wanted.push('services/web/page', 'services/web/build.ts');
    expect([...synced.keys()].sort()).toEqual(wanted.sort());
    for (const [from, to] of synced) expect(to).toBe(`/app/${from}`);
  },
);

test('everything that an image or a live update names exists', () => {
  for (const service of SERVICES) {
    const image = imageOf(service);
    const stops = stepsOf(image, 'fall_back_on').flatMap(({ files }) => texts(files));
    expect(stops).toContain('package-lock.json');
    const named = [
      ...texts(image.only),
      ...stops,
      ...stepsOf(image, 'sync').map((step) => String(step.local_path)),
    ];
    expect(named.length).toBeGreaterThan(20);
    for (const path of named) expect(existsSync(join(projectRoot, path)), `${service}: ${path}`).toBe(true);
    for (const path of [...stops, ...stepsOf(image, 'sync').map((step) => String(step.local_path))])
      expect(reactionTo(image, path), `${service}: ${path} is in the image`).not.toBe('nothing');
  }
});

const reactions = (path: string): Record<string, string> =>
  Object.fromEntries(
    SERVICES.map((service) => [service, reactionTo(imageOf(service), path)] as const).filter(
      ([, does]) => does !== 'nothing',
    ),
  );
const live = (...services: string[]) => Object.fromEntries(services.map((each) => [each, 'live update']));

test('an edit concerns the services that contain it, and no other', () => {
  expect(reactions('services/chat/src/x.ts')).toEqual(live('chat'));
  expect(reactions('services/edge/src/fanout/x.ts')).toEqual(live('edge'));
  expect(reactions('services/web/page/x.tsx')).toEqual(live('web'));
  expect(reactions('packages/bus/src/x.ts')).toEqual(live('chat', 'edge', 'matchmaker', 'simulation'));
  expect(reactions('packages/client/src/x.ts')).toEqual(live('web'));
  expect(reactions('packages/game-kit/src/x.ts')).toEqual(live('simulation', 'web'));
  expect(reactions('games/world/src/x.ts')).toEqual(live('simulation', 'web'));
});

test('tests, docs and tools concern no service', () => {
  for (const path of [
    'services/chat/test/x.test.ts',
    'services/chat/src/domain/x.test.ts',
    'docs/x.md',
    'tools/src/x.ts',
    'charts/x',
  ])
    expect(reactions(path), path).toEqual({});
});

test('what packages are installed by makes new images', () => {
  for (const path of ['package-lock.json', 'packages/bus/package.json'])
    expect(reactions(path), path).toEqual(Object.fromEntries(SERVICES.map((each) => [each, 'new image'])));
});

test('after an edit the process is told, and what is a part of the page is built first', () => {
  const restart = 'kill -HUP 1';
  for (const service of ['chat', 'edge', 'matchmaker', 'simulation'] as const)
    expect(stepsOf(imageOf(service), 'run')).toEqual([{ cmd: restart }]);
  const [build, then] = stepsOf(imageOf('web'), 'run');
  expect(texts(build?.cmd).join(' ')).toContain('/app/services/web/build.ts');
  expect(texts(build?.trigger)).toEqual(
    expect.arrayContaining(['services/web/page', 'packages/client/src', 'games/world/src']),
  );
  expect(then).toEqual({ cmd: restart, trigger: ['services/web/src', 'packages/service-kit/src'] });
});

test.each(SERVICES)(
  'the image of %s is its own with one stage more, which the one user may edit',
  (service) => {
    const image = imageOf(service);
    const own = service === 'web' ? 'services/web/Dockerfile' : 'Dockerfile';
    const text = String(image.dockerfile_contents);
    expect(text.startsWith(readText(own))).toBe(true);
    expect(image.build_args).toEqual(service === 'web' ? {} : { SERVICE: service });
    const stages = [...text.matchAll(/^FROM (\S+)(?: AS (\w+))?$/gm)].map(([, from = '', name]) => ({
      from,
      name,
    }));
    expect(stages.at(-1)?.name).toBe(image.target);
    const names = stages.map(({ name }) => name);
    for (const [, from = ''] of text.matchAll(/^(?:FROM|COPY --from=)(\w+) /gm))
      if (from !== 'node') expect(names).toContain(from);
    const last = text.slice(text.lastIndexOf('\nFROM '));
    expect(last).toMatch(/^USER 1000:1000$/m);
    expect(last).toMatch(/^ENTRYPOINT \["node", "tilt\/restart\.ts"\]$/m);
    expect(last).toMatch(/chown[= ](-R )?1000:1000/);
  },
);

test('only our own containers may be written to, and nothing else of the chart is changed', async () => {
  for (const { name, spec } of podSpecs(up.objects)) {
    for (const container of list(spec.containers)) {
      const isOurs = name.startsWith('Deployment/');
      expect(at(container, 'securityContext.readOnlyRootFilesystem'), name).toBe(!isOurs);
      expect(container.securityContext, name).toMatchObject({
        allowPrivilegeEscalation: false,
        runAsNonRoot: true,
      });
    }
  }
  expect(
    at(
      up.objects.find(({ kind }) => kind === 'Namespace'),
      'metadata.labels',
    ),
  ).toMatchObject({
    'pod-security.kubernetes.io/enforce': 'restricted',
  });
});

test('the same is rendered each time, with the keys that are in the checkout', async () => {
  expect((await tilt.run('up')).objects).toEqual(up.objects);
  const secrets = new Map(
    up.objects
      .filter(({ kind }) => kind === 'Secret')
      .map((each) => [each.metadata.name, Object.keys(at(each, 'stringData') as object)]),
  );
  const references = podSpecs(up.objects).flatMap(({ spec }) =>
    list(spec.containers).flatMap(({ env }) =>
      list(env).flatMap((each) => at(each, 'valueFrom.secretKeyRef') ?? []),
    ),
  ) as { name: string; key: string }[];
  expect(references.length).toBeGreaterThan(8);
  for (const { name, key } of references) expect(secrets.get(name), `${name}/${key}`).toContain(key);
});

/** Objects that no pod belongs to and that Tilt does not find by itself. */
const grouped = ({ kind }: KubeObject) => !['Deployment', 'StatefulSet', 'Pod', 'Service'].includes(kind);

test.each([
  ['up', []],
  ['ci', ['--monitoring']],
] as const)('with tilt %s %s every object belongs to one resource', async (subcommand, args) => {
  const run = await tilt.run(subcommand, args);
  const named = callsOf(run, 'k8s_resource').flatMap(({ objects }) => texts(objects));
  const there = run.objects
    .filter(grouped)
    .map(({ kind, metadata }) => `${metadata.name}:${kind.toLowerCase()}`);
  expect(named.toSorted()).toEqual(there.toSorted());
  expect(new Set(there).size).toBe(there.length);
  const resources = new Set([
    ...callsOf(run, 'k8s_resource').map(({ workload, new_name }) => workload ?? new_name),
    ...callsOf(run, 'local_resource').map(({ name }) => name),
  ]);
  for (const { workload, new_name, name, resource_deps } of [
    ...callsOf(run, 'k8s_resource'),
    ...callsOf(run, 'local_resource'),
  ])
    for (const needed of texts(resource_deps))
      expect(resources, String(workload ?? new_name ?? name)).toContain(needed);
});

test('ports are forwarded to ports that containers have, each local one once', async () => {
  const run = await tilt.run('up', ['--monitoring']);
  const forwards = callsOf(run, 'k8s_resource').flatMap(({ workload, port_forwards }) =>
    list(port_forwards).map(({ args }) => ({
      workload,
      ...(args as { local_port: number; container_port: number }),
    })),
  );
  expect(Object.fromEntries(forwards.map((each) => [each.local_port, each.workload]))).toEqual({
    8080: 'web',
    8081: 'edge',
    4222: 'nats',
    8222: 'nats',
    9090: 'prometheus',
    3000: 'grafana',
  });
  for (const { workload, container_port } of forwards) {
    const name = run.workloads.find(({ resource }) => resource === workload)?.name;
    const spec = podSpecs(run.objects).find((each) => each.name.endsWith(`/${name}`))?.spec;
    expect(list(at(spec, 'containers.0.ports')).map((port) => port.containerPort)).toContain(container_port);
  }
});

test("tilt ci waits for the chart's own test, tilt up leaves it to a button", async () => {
  const ci = await tilt.run('ci');
  expect(resourceOf(ci, 'helm-test')).toMatchObject({
    auto_init: true,
    trigger_mode: 'auto',
    pod_readiness: 'succeeded',
  });
  expect(resourceOf(up, 'helm-test')).toMatchObject({ auto_init: false, trigger_mode: 'manual' });
  expect(texts(resourceOf(ci, 'helm-test')?.resource_deps).toSorted()).toEqual(
    [...SERVICES, 'nats'].toSorted(),
  );
  const pod = ci.objects.find(({ kind }) => kind === 'Pod');
  // Its image is the edge's, and its own command keeps it from being an edge.
  expect(at(pod, 'spec.containers.0.image')).toMatch(/^breakwater\/edge:/);
  expect(texts(at(pod, 'spec.containers.0.command'))).toContain('--eval');
});

test('no button runs by itself, and each runs a command that there is, with options that it has', () => {
  const buttons = callsOf(up, 'local_resource');
  expect(buttons.map(({ name }) => name)).toEqual([
    'bots',
    'check-bots',
    'lose-simulation',
    'tests',
    'chart-tests',
  ]);
  for (const button of buttons)
    expect(button).toMatchObject({ auto_init: false, trigger_mode: 'manual', labels: ['chores'] });
  const commands = buttons.map(({ cmd }) => String(cmd)).join('\n');
  const password = at(
    up.objects.find((each) => at(each, 'stringData.operator') !== undefined),
    'stringData.operator',
  );
  expect(commands).toContain(`nats://operator:${password}@127.0.0.1:4222`);
  const used = [...commands.matchAll(/npx breakwater (\w+)([^&|\n]*)/g)];
  expect(used.map(([, command]) => command)).toEqual(['bots', 'check', 'test']);
  const sources = { bots: 'bots/options.ts', check: 'check-logs/command.ts', test: 'verify/command.ts' };
  for (const [, command = '', rest = ''] of used) {
    const help = readFileSync(
      join(projectRoot, 'tools/src', Reflect.get(sources, command) as string),
      'utf8',
    );
    for (const [option] of rest.matchAll(/--[a-z-]+/g)) expect(help, command).toContain(`  ${option} `);
  }
});

test('the cluster is named, so that no other one is touched', () => {
  expect(callsOf(up, 'allow_k8s_contexts')).toEqual([{ contexts: 'kind-breakwater' }]);
  expect(readText('k8s/kind.yaml')).toMatch(/^name: breakwater$/m);
  for (const { cmd } of callsOf(up, 'local_resource'))
    for (const [, after = ''] of String(cmd).matchAll(/kubectl (\S+ \S+)/g))
      expect(after).toBe('--context kind-breakwater');
});

test('an argument that the Tiltfile does not know is refused', async () => {
  await expect(tilt.run('up', ['--monitorin'])).rejects.toThrow(/does not define --monitorin/);
});
