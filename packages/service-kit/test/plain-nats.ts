import { findNatsServer, freePort, launchProcess } from '@breakwater/testkit';

/** A nats-server without JetStream. */
export async function startPlainNats(): Promise<{ url: string } & AsyncDisposable> {
  const port = await freePort();
  const { path } = await findNatsServer();
  const child = launchProcess({
    name: 'nats-server',
    command: path,
    args: ['-a', '127.0.0.1', '-p', String(port)],
    env: {},
  });
  await child.waitForLine(({ text }) => text.includes('Server is ready'), 20_000);
  return {
    url: `nats://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      await child.kill();
    },
  };
}
