import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { Installation } from './cluster/installation.ts';
import { clusterCommand, hasCommand } from './cluster/kubernetes.ts';
import { Load } from './cluster/load.ts';

const API_OUTAGE_MS = 60_000;

describe('while bots talk and play', () => {
  let installation: Installation;

  beforeAll(async () => {
    installation = await Installation.shared();
  });

  it('the pod of NATS is deleted: what was acknowledged is kept, nobody reconnects, no other pod restarts (fault 26)', async () => {
    await using load = await Load.start(installation, { name: 'nats', isArchived: false });
    const before = await installation.restarts();
    await installation.kubectl(['delete', 'pod', 'breakwater-nats-0']);
    await installation.ready();
    await load.progress();
    await load.allThere();
    const after = await installation.restarts();
    for (const pods of [before, after]) delete pods['breakwater-nats-0'];
    expect(after).toEqual(before);
    expect(load.stats.reconnects).toBe(0);
    expect(load.stats.messagesFailed).toBe(0);
    await load.judge();
  });

  it.skipIf(!hasCommand('pauseApi') || !hasCommand('resumeApi'))(
    'the API server says nothing for a minute: chat and games go on, and new games are made',
    async () => {
      await using load = await Load.start(installation, { name: 'api', isArchived: false });
      await using ada = await installation.connect('ada');
      const restarts = await installation.restarts();
      await clusterCommand('pauseApi');
      try {
        const endMs = performance.now() + API_OUTAGE_MS;
        await load.progress();
        const { game } = await ada.games.create('world', { title: 'Made without Kubernetes' });
        const joined = await ada.games.join(game);
        while (performance.now() < endMs) {
          await load.progress();
          await sleep(5_000);
        }
        expect(joined.status).toBe('live');
        await joined.leave();
      } finally {
        await clusterCommand('resumeApi');
      }
      await installation.ready();
      await load.allThere();
      await load.progress();
      expect(load.stats.reconnects).toBe(0);
      expect(await installation.restarts()).toEqual(restarts);
      await load.judge();
    },
  );
});
