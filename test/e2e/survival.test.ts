import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Installation, type Pod } from './cluster/installation.ts';
import { clusterCommand, hasCommand } from './cluster/kubernetes.ts';
import { Load, type LoadOptions } from './cluster/load.ts';
import { Operator } from './cluster/operator.ts';

const GAMES = 4;
const MOVED_TIMEOUT_MS = 60_000;
const API_OUTAGE_MS = 15_000;

describe('games survive', () => {
  let installation: Installation;

  beforeAll(async () => {
    installation = await Installation.shared();
  });

  afterAll(async () => {
    await installation.upgrade([]);
    await installation.ready();
  });

  /**
   * Bots play while something happens to the pods of simulation: games change their owners, nobody reconnects, and the
   * checker finds nothing, in what was shown as in the ledgers.
   */
  async function survive(
    name: string,
    work: (load: Load) => Promise<void>,
    options: Partial<LoadOptions> = {},
  ): Promise<void> {
    await using load = await Load.start(installation, {
      ...{ name, games: GAMES, ratePerSecond: 0.5 },
      ...options,
    });
    const { failures } = load.stats;
    await work(load);
    await load.allThere();
    await load.progress();
    expect(load.stats.reconnects).toBe(0);
    expect(load.stats.failures).toBe(failures);
    expect(load.stats.ownerChanges).toBeGreaterThan(0);
    const { gaps } = await load.judge();
    expect(gaps.owner?.count).toBeGreaterThan(0);
  }

  /** A pod that hosts games now, the one with the most. */
  async function busiest(): Promise<Pod> {
    await using operator = await Operator.open(installation);
    const pods = await installation.pods('simulation');
    const counts = await Promise.all(
      pods.map(async (pod) => {
        const games = await operator.gamesOn(pod.metadata.name);
        return { pod, running: games.filter(({ players }) => players > 0).length };
      }),
    );
    counts.sort((a, b) => b.running - a.running);
    expect(counts[0]?.running).toBeGreaterThan(0);
    return counts[0]!.pod;
  }

  const ownersChange = (load: Load) =>
    eventually(() => expect(load.stats.ownerChanges).toBeGreaterThan(0), {
      timeoutMs: MOVED_TIMEOUT_MS,
      message: 'a change of owner',
    });

  it('a pod of simulation that is deleted', () =>
    survive('deleted', async (load) => {
      const { metadata } = await busiest();
      await installation.kubectl(['delete', 'pod', metadata.name]);
      await ownersChange(load);
      await installation.ready('simulation');
    }));

  it('a pod of simulation that is deleted by force, without a word', () =>
    survive('forced', async (load) => {
      const { metadata } = await busiest();
      await installation.kubectl(['delete', 'pod', metadata.name, '--grace-period=0', '--force']);
      await ownersChange(load);
      await installation.ready('simulation');
    }));

  it.skipIf(!hasCommand('killContainer'))('SIGKILL of the process in a pod of simulation', () =>
    survive('killed', async (load) => {
      const pod = await busiest();
      await clusterCommand('killContainer', [containerId(pod)]);
      await ownersChange(load);
      await installation.ready('simulation');
    }),
  );

  it('evictions, of which the disruption budget lets only one happen at a time', () =>
    survive('evicted', async (load) => {
      const first = await busiest();
      const others = (await installation.podNames('simulation')).filter(
        (name) => name !== first.metadata.name,
      );
      await evict(first.metadata.name);
      for (const name of others)
        await expect(evict(name)).rejects.toThrow(/TooManyRequests.*disruption budget/is);
      await ownersChange(load);
      await installation.ready('simulation');
    }));

  it('a rollout restart of simulation, and of the matchmaker meanwhile', () =>
    survive('restarted', async (load) => {
      await Promise.all([installation.restart('simulation'), installation.restart('matchmaker')]);
      await ownersChange(load);
    }));

  it('simulation scaled from 5 to 2 with games on every pod', async () => {
    await installation.scale('simulation', 5);
    await using operator = await Operator.open(installation);
    const hosted = async (pods: readonly string[]) =>
      (await operator.gamesOnAll(pods)).map(({ game }) => game).sort();
    const work = async (load: Load) => {
      const before = await installation.podNames('simulation');
      expect(before).toHaveLength(5);
      await spreadOver(operator, before);
      const games = await hosted(before);
      const changes = load.stats.ownerChanges;
      await installation.scale('simulation', 2);
      await load.allThere();
      expect(load.stats.ownerChanges).toBeGreaterThan(changes);
      await eventually(
        async () => expect(await hosted(await installation.podNames('simulation'))).toEqual(games),
        { timeoutMs: MOVED_TIMEOUT_MS, message: 'every game on the pods that are left' },
      );
    };
    await survive('scaled', work, { players: 10, games: 10 });
  });

  /** Moves games that are played, until each pod hosts two of them. */
  async function spreadOver(operator: Operator, pods: readonly string[]): Promise<void> {
    const playedOn = async (names: readonly string[]) =>
      (await operator.gamesOnAll(names)).filter(({ state, players }) => state === 'running' && players > 0);
    // Seats of bots that were here before are given up in a while.
    const played = await eventually(
      async () => {
        const found = await playedOn(pods);
        expect(found).toHaveLength(pods.length * 2);
        return found;
      },
      { timeoutMs: MOVED_TIMEOUT_MS, intervalMs: 500, message: 'ten games that are played' },
    );
    for (const [index, { game }] of played.entries()) {
      const pod = pods[index % pods.length]!;
      if (!(await operator.gamesOn(pod)).some((each) => each.game === game)) await operator.move(game, pod);
    }
    for (const pod of pods)
      await eventually(async () => expect(await playedOn([pod])).toHaveLength(2), {
        timeoutMs: MOVED_TIMEOUT_MS,
        message: `two games that are played on ${pod}`,
      });
  }

  const canPause = hasCommand('pauseApi') && hasCommand('resumeApi') && hasCommand('killContainer');
  it.skipIf(!canPause)('a process of simulation that is killed while the API server is silent', () =>
    survive(
      'silent',
      async (load) => {
        const pod = await busiest();
        await clusterCommand('pauseApi');
        try {
          await clusterCommand('killContainer', [containerId(pod)]);
          await ownersChange(load);
          await load.progress();
          await sleep(API_OUTAGE_MS);
          await load.progress();
        } finally {
          await clusterCommand('resumeApi');
        }
        await installation.ready('simulation');
      },
      { isArchived: false },
    ),
  );

  it.skipIf(!hasCommand('killContainer'))(
    'a pod that is deleted and whose process is gone: what Kubernetes says is enough, heartbeats may still be missed',
    async () => {
      // By its heartbeats a process would be gone after half a minute.
      await installation.upgrade(['matchmaker.settings.BREAKWATER_MATCHMAKER_MISSED_HEARTBEATS=100']);
      await installation.ready('matchmaker');
      let name = '';
      await survive('hinted', async (load) => {
        const pod = await busiest();
        name = pod.metadata.name;
        await clusterCommand('killContainer', [containerId(pod)]);
        await installation.kubectl(['delete', 'pod', name, '--grace-period=0', '--force']);
        await ownersChange(load);
        await installation.ready('simulation');
      });
      const lines = (await installation.logs('matchmaker')).split('\n').filter((line) => line.includes(name));
      expect(lines.some((line) => line.includes('is gone, as Kubernetes hinted'))).toBe(true);
      expect(lines.filter((line) => line.includes('fell silent'))).toEqual([]);
    },
  );

  function evict(name: string): Promise<string> {
    const { namespace } = installation;
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
    return installation.kubectl(['create', '--raw', path, '--filename', '-'], JSON.stringify(eviction));
  }
});

/** As the container runtime knows it. */
function containerId(pod: Pod): string {
  const id = pod.status.containerStatuses?.[0]?.containerID?.split('//')[1];
  if (id === undefined) throw new Error(`${pod.metadata.name} has no container`);
  return id;
}
