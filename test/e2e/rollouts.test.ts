import { beforeAll, describe, expect, it } from 'vitest';
import { Installation } from './cluster/installation.ts';
import { Load } from './cluster/load.ts';

describe('while bots talk and play', () => {
  let installation: Installation;

  beforeAll(async () => {
    installation = await Installation.shared();
  });

  it('a rollout restart of chat, of the matchmaker and of the page loses nothing and closes no socket', async () => {
    await using load = await Load.start(installation, { name: 'rollouts' });
    for (const service of ['chat', 'matchmaker', 'web'] as const) {
      await installation.restart(service);
      await load.progress();
    }
    await load.allThere();
    expect(load.stats.reconnects).toBe(0);
    expect(load.stats.messagesFailed).toBe(0);
    await load.judge();
  });

  it('a rollout restart of the edge brings every client to a new one by itself, and nobody misses anything', async () => {
    await using load = await Load.start(installation, { name: 'edges' });
    await using ada = await installation.connect('ada');
    const room = await ada.rooms.join('general');
    await room.send('before');
    await installation.restart('edge');
    await load.allThere();
    await load.progress();
    await room.send('after');
    expect(await installation.podNames('edge')).toContain(ada.edge);
    expect(room.messages.slice(-2).map(({ text }) => text)).toEqual(['before', 'after']);
    expect(load.stats.messagesFailed).toBe(0);
    console.log(`edges restarted: ${load.stats.reconnects} of the moves were reconnections`);
    await load.judge();
  });

  it('helm upgrade with a changed value, and helm rollback, lose no message (fault 38)', async () => {
    await using load = await Load.start(installation, { name: 'upgrade', games: 0 });
    const before = new Set([
      ...(await installation.podNames('chat')),
      ...(await installation.podNames('edge')),
    ]);
    const heapOf = async (service: string) => {
      const path = 'jsonpath={.spec.template.spec.containers[0].env[0].value}';
      return await installation.kubectl(['get', `deployment/breakwater-${service}`, '--output', path]);
    };
    const oldHeap = await heapOf('chat');
    await installation.upgrade(['chat.heapPercent=60', 'edge.heapPercent=50']);
    await installation.ready('chat', 'edge');
    expect(await heapOf('chat')).not.toBe(oldHeap);
    for (const service of ['chat', 'edge'] as const)
      for (const pod of await installation.podNames(service)) expect(before).not.toContain(pod);
    await load.progress();

    await installation.helm(['rollback']);
    await installation.ready('chat', 'edge');
    expect(await heapOf('chat')).toBe(oldHeap);
    await load.allThere();
    await load.progress();
    expect(load.stats.messagesFailed).toBe(0);
    await load.judge();
  });
});
