import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { freePort, isPortFree, spawnProcess } from '../src/index.ts';
import { baseEnv, serviceRuntime } from '../src/paths.ts';

test('ports that were handed out are not handed out again soon, and taken ones not at all', async () => {
  const taken = await freePort();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(taken, '127.0.0.1', resolve));
  try {
    expect(await isPortFree(taken)).toBe(false);
    const first = await Promise.all(Array.from({ length: 60 }, () => freePort()));
    expect(new Set(first).size).toBe(60);
    const more: number[] = [];
    for (let i = 0; i < 100; i++) more.push(await freePort());
    expect(more).not.toContain(taken);
    expect(new Set(more).size).toBe(99);
  } finally {
    server.close();
  }
});

test('two processes that ask at once get different ports', async () => {
  const index = fileURLToPath(new URL('../src/index.ts', import.meta.url));
  const script = `const { freePort } = await import(${JSON.stringify(index)});
    const ports = []; for (let i = 0; i < 50; i++) ports.push(await freePort());
    console.log(JSON.stringify({ msg: 'ports', ports })); setInterval(() => undefined, 1000);`;
  const launch = () =>
    spawnProcess({
      name: 'asker',
      command: serviceRuntime(),
      args: ['--input-type=module', '-e', script],
      env: baseEnv(),
    });
  await using one = await launch();
  await using two = await launch();
  const portsOf = async (asker: typeof one): Promise<unknown[]> => {
    const line = await asker.waitForLine(({ fields }) => fields?.msg === 'ports', 20_000);
    return line.fields?.ports as unknown[];
  };
  const all = [...(await portsOf(one)), ...(await portsOf(two))];
  expect(all).toHaveLength(100);
  expect(new Set(all).size).toBe(100);
});
