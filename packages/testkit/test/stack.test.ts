import { expect, test } from 'vitest';
import { eventually, isPortFree, startStack } from '../src/index.ts';

test('a whole stack comes up, takes its own tokens, loses and gets back an edge, and leaves nothing', {
  timeout: 120_000,
}, async () => {
  const stack = await startStack({ edges: 1, simulations: 1 });
  const { pids, ports } = await (async () => {
    await using _stack = stack;
    expect(stack.services.map(({ name }) => name)).toEqual([
      'chat-1',
      'matchmaker-1',
      'simulation-1',
      'edge-1',
    ]);
    expect(stack.edgeUrls).toEqual([stack.service('edge-1').url]);
    const askTicket = (token: string) =>
      fetch(`${stack.edgeUrls[0]}/v1/ticket`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      });
    expect((await askTicket(stack.token('u1', 'Ada'))).status).toBe(200);
    expect((await askTicket(stack.token('u1', 'Ada', { lifetimeSeconds: -60 }))).status).toBe(401);

    const [edge] = stack.edges;
    await edge?.kill();
    await expect(askTicket(stack.token('u1'))).rejects.toThrow();
    await edge?.restart();
    await eventually(async () => expect((await askTicket(stack.token('u1'))).status).toBe(200));
    for (const service of stack.services) {
      expect((await fetch(`${service.adminUrl}/readyz`)).status, service.name).toBe(200);
    }
    const admin = stack.services.map((service) => service.ready.httpPort);
    return { pids: stack.services.map(({ pid }) => pid), ports: [...admin, stack.nats.port] };
  })();
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
  for (const port of ports) expect(await isPortFree(port)).toBe(true);
});

test('a stack with a service that cannot start is an error, and nothing is left running', {
  timeout: 120_000,
}, async () => {
  const env = { chat: { BREAKWATER_CHAT_NOPE: '1' } };
  await expect(startStack({ edges: 1, simulations: 1, env })).rejects.toThrow(
    /chat-1 ended .*BREAKWATER_CHAT_NOPE/s,
  );
});
