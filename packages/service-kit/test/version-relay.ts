import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

/** A TCP relay that makes a nats-server say another version of itself. */
export interface VersionRelay extends AsyncDisposable {
  readonly url: string;
  /** For connections made from now on; `undefined` lets the server speak for itself. */
  pretend(version: string | undefined): void;
  /** Ends all connections. */
  cut(): void;
}

/** @param port of the server on 127.0.0.1 */
export async function startVersionRelay(port: number, version?: string): Promise<VersionRelay> {
  let pretended = version;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    keep(client);
    keep(upstream);
    client.pipe(upstream);
    // The server tells its version again after the handshake.
    upstream.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1');
      const said =
        pretended === undefined ? text : text.replaceAll(/"version":"[^"]*"/g, `"version":"${pretended}"`);
      client.write(said, 'latin1');
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pretend(other) {
      pretended = other;
    },
    cut,
    [Symbol.asyncDispose]: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
