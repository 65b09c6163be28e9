import { subjectsFor } from '@breakwater/bus';
import { eventually } from '@breakwater/testkit';
import type { NatsConnection } from '@nats-io/transport-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { imageTag } from './cluster/images.ts';
import { Installation, SERVICES } from './cluster/installation.ts';
import { connectAs } from './cluster/operator.ts';

const RESTRICTED = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};
const POLICY_TIMEOUT_MS = 60_000;

describe('what pods may do', () => {
  let installation: Installation;

  beforeAll(async () => {
    installation = await Installation.shared();
  });

  const canI = (account: string, verb: string, resource: string, namespace = installation.namespace) => {
    const user = `system:serviceaccount:${installation.namespace}:breakwater-${account}`;
    const args = ['auth', 'can-i', verb, resource, '--as', user, '--namespace', namespace];
    // It ends with 1 for a no.
    return installation.kubectl(args).then(
      () => true,
      () => false,
    );
  };

  it.each(['edge', 'chat', 'simulation', 'web', 'nats'])(
    'the service account of %s can do nothing',
    async (account) => {
      for (const verb of ['get', 'list', 'watch', 'create', 'patch', 'delete'])
        for (const resource of ['pods', 'secrets']) expect(await canI(account, verb, resource)).toBe(false);
    },
  );

  it('the service account of the matchmaker can watch and annotate the pods of its namespace, and not more', async () => {
    for (const verb of ['get', 'list', 'watch', 'patch'])
      expect(await canI('matchmaker', verb, 'pods')).toBe(true);
    for (const verb of ['create', 'delete', 'deletecollection'])
      expect(await canI('matchmaker', verb, 'pods')).toBe(false);
    expect(await canI('matchmaker', 'create', 'pods/exec')).toBe(false);
    for (const resource of ['secrets', 'configmaps', 'roles', 'serviceaccounts'])
      for (const verb of ['get', 'list', 'create', 'patch'])
        expect(await canI('matchmaker', verb, resource), `${verb} ${resource}`).toBe(false);
    expect(await canI('matchmaker', 'list', 'pods', 'kube-system')).toBe(false);
    expect(await canI('matchmaker', 'list', 'nodes')).toBe(false);
  });

  it('only the matchmaker is given a token for the Kubernetes API', async () => {
    for (const service of SERVICES) {
      for (const { metadata } of await installation.pods(service)) {
        const { spec } = await installation.json<{
          spec: { volumes?: { projected?: { sources: { serviceAccountToken?: object }[] } }[] };
        }>(['get', 'pod', metadata.name]);
        const tokens = (spec.volumes ?? []).flatMap(({ projected }) =>
          (projected?.sources ?? []).filter(({ serviceAccountToken }) => serviceAccountToken !== undefined),
        );
        expect(tokens, metadata.name).toHaveLength(service === 'matchmaker' ? 1 : 0);
      }
    }
  });

  it('a pod without the labels of a service is refused by NATS, and one with them is not', async () => {
    const stranger = await knock(installation, 'stranger', { app: 'stranger' });
    const labels = {
      'app.kubernetes.io/name': 'breakwater',
      'app.kubernetes.io/instance': 'breakwater',
      'app.kubernetes.io/component': 'operator',
    };
    const operator = await knock(installation, 'operator', labels);
    expect(operator).toContain('INFO');
    expect(stranger).toBe('refused');
  });

  it('the NATS user of a service is refused the subjects that are not its own', async () => {
    const subjects = subjectsFor(4);
    const foreign = {
      edge: ['room.0.general.log', 'game.0.x.log', subjects.simStatus()],
      chat: ['game.0.x.log', 'game.0.x.in', '$JS.API.STREAM.DELETE.ROOMS_0'],
      matchmaker: ['room.0.general.log', 'game.0.x.log', '$JS.API.STREAM.PURGE.GAMES_0'],
      simulation: ['room.0.general.log', subjects.chat('send'), '$JS.API.STREAM.DELETE.GAMES_0'],
      operator: ['room.0.general.log', 'game.0.x.log', '$JS.API.STREAM.PURGE.GAMES_0'],
    } as const;
    for (const [user, publishes] of Object.entries(foreign) as [keyof typeof foreign, readonly string[]][]) {
      await using nats = await installation.nats(user);
      const nc = await connectAs(user, nats.url);
      try {
        for (const subject of publishes)
          expect(await isRefused(nc, subject), `${user}: ${subject}`).toBe(true);
      } finally {
        await nc.close();
      }
    }
  });

  it('nobody without a login gets in', async () => {
    await using nats = await installation.nats('chat');
    const url = new URL(nats.url);
    await expect(connectAs('chat', `nats://chat:wrong@${url.host}`)).rejects.toThrow(/[Aa]uthorization/);
  });
});

/** What NATS says first to a pod with these labels; `refused` when it cannot be reached. */
async function knock(
  installation: Installation,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<string> {
  const script = `
    const attempt = () => new Promise((resolve) => {
      const socket = require('node:net').connect(4222, 'breakwater-nats');
      const end = (word) => { socket.destroy(); resolve(word); };
      socket.setTimeout(2000, () => end('refused'));
      socket.on('error', () => end('refused'));
      socket.on('data', (data) => end(String(data).slice(0, 40)));
    });
    (async () => {
      let word = 'refused';
      for (let left = 5; left > 0 && word === 'refused'; left--) {
        word = await attempt();
        if (word === 'refused') await new Promise((resolve) => setTimeout(resolve, 1000));
      }
      console.log(word);
    })();`;
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      securityContext: { runAsUser: 1000 },
      containers: [
        {
          name: 'knock',
          image: `breakwater/edge:${imageTag()}`,
          imagePullPolicy: 'IfNotPresent',
          command: ['node', '--eval', script],
          securityContext: RESTRICTED,
        },
      ],
    },
  };
  await installation.kubectl(['apply', '--filename', '-'], JSON.stringify(pod));
  const phase = ['get', 'pod', name, '--output', 'jsonpath={.status.phase}'];
  await eventually(async () => (await installation.kubectl(phase)) === 'Succeeded', {
    timeoutMs: POLICY_TIMEOUT_MS,
    intervalMs: 500,
  });
  const output = await installation.kubectl(['logs', name]);
  await installation.kubectl(['delete', 'pod', name, '--wait=false']);
  return output.trim();
}

/** True when NATS answers a publish with a permissions violation. */
async function isRefused(nc: NatsConnection, subject: string): Promise<boolean> {
  const refusal = Promise.withResolvers<boolean>();
  const watch = (async () => {
    for await (const status of nc.status())
      if (status.type === 'error')
        return refusal.resolve(/permissions violation/i.test(String(status.error)));
  })();
  nc.publish(subject, '{}');
  await nc.flush();
  const timer = setTimeout(() => refusal.resolve(false), 5_000);
  const isRefusedNow = await refusal.promise;
  clearTimeout(timer);
  void watch;
  return isRefusedNow;
}
