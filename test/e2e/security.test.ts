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
/** Groups in which every account may ask what it may do. */
const OPEN_TO_ALL: readonly string[] = ['authorization.k8s.io', 'authentication.k8s.io'];
interface RulesReview {
  readonly status: {
    readonly resourceRules: readonly {
      readonly verbs: readonly string[];
      readonly apiGroups: readonly string[];
      readonly resources: readonly string[];
    }[];
  };
}
const POLICY_TIMEOUT_MS = 60_000;

describe('what pods may do', () => {
  let installation: Installation;

  beforeAll(async () => {
    installation = await Installation.shared();
  });

  /** What `kubectl auth can-i --list` tells an account of its namespace, as `verb resource.group`. */
  async function permissions(account: string, namespace = installation.namespace): Promise<string[]> {
    const user = `system:serviceaccount:${installation.namespace}:breakwater-${account}`;
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectRulesReview',
      spec: { namespace },
    };
    const args = ['create', '--validate=false', '--filename', '-', '--as', user, '--output', 'json'];
    const answer = JSON.parse(await installation.kubectl(args, JSON.stringify(review))) as RulesReview;
    return answer.status.resourceRules
      .filter(({ apiGroups }) => !apiGroups.some((group) => OPEN_TO_ALL.includes(group)))
      .flatMap(({ verbs, resources, apiGroups }) =>
        verbs.flatMap((verb) =>
          resources.flatMap((name) =>
            apiGroups.map((group) => `${verb} ${group === '' ? name : `${name}.${group}`}`),
          ),
        ),
      )
      .sort();
  }

  it.each(['edge', 'chat', 'simulation', 'web', 'nats'])(
    'the service account of %s can do nothing',
    async (account) => {
      expect(await permissions(account)).toEqual([]);
    },
  );

  it('the service account of the matchmaker can watch and annotate the pods of its namespace, and not more', async () => {
    expect(await permissions('matchmaker')).toEqual(['get pods', 'list pods', 'patch pods', 'watch pods']);
    expect(await permissions('matchmaker', 'kube-system')).toEqual([]);
    const user = `system:serviceaccount:${installation.namespace}:breakwater-matchmaker`;
    const ask = (what: readonly string[]) =>
      installation.kubectl(['auth', 'can-i', ...what, '--as', user]).then(
        (answer) => answer.trim(),
        () => 'no',
      );
    expect(await ask(['watch', 'pods'])).toBe('yes');
    expect(await ask(['get', 'secrets'])).toBe('no');
    expect(await ask(['list', 'nodes'])).toBe('no');
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
