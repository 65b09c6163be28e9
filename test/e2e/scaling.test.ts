import { eventually } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Installation } from './cluster/installation.ts';
import { hasMetrics } from './cluster/kubernetes.ts';
import { Load } from './cluster/load.ts';
import { Operator } from './cluster/operator.ts';

const metrics = await hasMetrics();
const SCALE_TIMEOUT_MS = 240_000;
const TEST_TIMEOUT_MS = 600_000;

interface Autoscaler {
  readonly status?: {
    readonly desiredReplicas?: number;
    readonly currentMetrics?: readonly {
      readonly resource?: { readonly current: { readonly averageUtilization?: number } };
    }[];
  };
}

describe('scaling', () => {
  let installation: Installation;

  beforeAll(async () => {
    installation = await Installation.shared();
  });

  afterAll(async () => {
    await installation.upgrade([]);
    await installation.ready();
  });

  it('new games land on new pods of simulation', async () => {
    const before = new Set(await installation.podNames('simulation'));
    await installation.scale('simulation', 4);
    await using ada = await installation.connect('ada');
    const lobby = await ada.lobby.watch();
    const games = await Promise.all(
      Array.from({ length: 8 }, () => ada.games.create('world').then(({ game }) => game)),
    );
    const podsOf = () =>
      lobby.games.flatMap(({ game, pod }) => (games.includes(game) && pod !== undefined ? [pod] : []));
    await eventually(() => expect(podsOf()).toHaveLength(8), { timeoutMs: 30_000 });
    const there = await installation.podNames('simulation');
    for (const pod of podsOf()) expect(there).toContain(pod);
    const added = there.filter((pod) => !before.has(pod));
    expect(added).toHaveLength(2);
    expect(podsOf()).toEqual(expect.arrayContaining(added));
    await installation.scale('simulation', 2);
  });

  it(
    'the buffer adds pods of simulation when free places become few, and takes one away again whose game is played',
    async () => {
      await using operator = await Operator.open(installation);
      const count = async () => (await installation.podNames('simulation')).length;
      const hosted = await operator.gamesOnAll(await installation.podNames('simulation'));
      // Two pods then have room for ten games more.
      const maxGames = Math.ceil(hosted.length / 2) + 5;
      const values = (freeSlots: number) => [
        `simulation.settings.BREAKWATER_SIMULATION_MAX_GAMES=${maxGames}`,
        'simulation.buffer.enabled=true',
        `simulation.buffer.freeSlots=${freeSlots}`,
        'simulation.buffer.hysteresisSlots=1',
        'simulation.buffer.scaleDownSeconds=5',
        'simulation.buffer.maxReplicas=4',
      ];
      const wait = { timeoutMs: SCALE_TIMEOUT_MS, intervalMs: 2_000 };
      await installation.upgrade(values(8));
      await installation.ready('simulation', 'matchmaker');
      await eventually(async () => expect(await count()).toBe(2), { ...wait, message: 'two pods' });

      await using load = await Load.start(installation, { name: 'buffer', players: 5, games: 5 });
      await eventually(async () => expect(await count()).toBe(3), { ...wait, message: 'a third pod' });
      await installation.ready('simulation');
      await using ada = await installation.connect('ada');
      const states: string[] = [];
      ada.on('state', ({ state }) => states.push(state));
      const game = await ada.games.join((await ada.games.create('world')).game);
      const pods = await installation.podNames('simulation');
      for (const pod of pods) expect(await operator.gamesOn(pod)).not.toEqual([]);

      await installation.upgrade(values(1));
      await installation.ready('matchmaker');
      await eventually(async () => expect(await count()).toBe(2), { ...wait, message: 'two pods again' });
      const left = await operator.gamesOnAll(await installation.podNames('simulation'));
      expect(left.length).toBe(hosted.length + 6);
      expect(left.map((each) => each.game)).toContain(game.id);
      expect(game.status).toBe('live');
      expect(states).toEqual([]);
      await load.allThere();
      await load.progress();
      expect(load.stats.reconnects).toBe(0);
      await load.judge();
    },
    TEST_TIMEOUT_MS,
  );

  it.skipIf(!metrics)(
    'the autoscaler adds an edge when there is real load, and not before',
    async () => {
      const requests = ['edge.resources.requests.cpu=60m', 'edge.autoscaling.enabled=true'];
      const limits = ['edge.autoscaling.minReplicas=1', 'edge.autoscaling.maxReplicas=3'];
      await installation.upgrade([...requests, ...limits, 'edge.autoscaling.targetCpuPercent=70']);
      await installation.ready('edge');
      const state = () => installation.json<Autoscaler>(['get', 'hpa/breakwater-edge']);
      const quiet = await eventually(
        async () => {
          const { status } = await state();
          const percent = status?.currentMetrics?.[0]?.resource?.current.averageUtilization;
          expect(percent).toBeLessThan(70);
          return { percent, replicas: (await installation.podNames('edge')).length };
        },
        { timeoutMs: SCALE_TIMEOUT_MS, intervalMs: 2_000, message: 'a quiet edge that is measured' },
      );
      await using load = await Load.start(installation, {
        name: 'hpa',
        players: 40,
        games: 2,
        ratePerSecond: 5,
      });
      await eventually(
        async () => {
          expect((await state()).status?.desiredReplicas).toBeGreaterThan(quiet.replicas);
          expect((await installation.podNames('edge')).length).toBeGreaterThan(quiet.replicas);
        },
        { timeoutMs: SCALE_TIMEOUT_MS, intervalMs: 2_000, message: 'another edge' },
      );
      await installation.ready('edge');
      await load.progress();
      await load.judge();
    },
    TEST_TIMEOUT_MS,
  );
});
