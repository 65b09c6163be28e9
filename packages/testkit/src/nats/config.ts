/** One server of a local set. */
export interface NatsNodeConfig {
  name: string;
  port: number;
  monitorPort: number;
  storeDir: string;
  /** Only in a cluster. */
  cluster?: { port: number; routePorts: readonly number[] };
  /** Further lines in nats-server's own configuration language. */
  extra?: string;
}

/** Writes a configuration that every nats-server from 2.9 on understands. */
export function renderNatsConfig(node: NatsNodeConfig): string {
  const lines = [
    `server_name: ${JSON.stringify(node.name)}`,
    `listen: "127.0.0.1:${node.port}"`,
    `http: "127.0.0.1:${node.monitorPort}"`,
    `jetstream { store_dir: ${JSON.stringify(node.storeDir)} }`,
  ];
  if (node.cluster !== undefined) {
    const routes = node.cluster.routePorts.map((port) => `"nats://127.0.0.1:${port}"`).join(', ');
    lines.push(`cluster { name: "local", listen: "127.0.0.1:${node.cluster.port}", routes: [${routes}] }`);
  }
  if (node.extra !== undefined) lines.push(node.extra);
  return `${lines.join('\n')}\n`;
}
