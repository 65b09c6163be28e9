import { freePort } from '../free-port.ts';
import type { ServiceSpec } from '../process/local-service.ts';
import type { ServiceName } from '../process/service.ts';

/** How many processes of each service a stack has. */
export interface StackSize {
  edges: number;
  chats: number;
  simulations: number;
  matchmakers: number;
  web: boolean;
}

export interface PlanOptions extends StackSize {
  /** What the services connect to, several with commas. */
  natsUrl: string;
  /** Signs development tokens. */
  jwtSecret: string;
  /** Port of the web; default a free one. */
  webPort?: number;
  /** Ports of the edges; default free ones. */
  edgePorts?: readonly number[];
  /** Further variables for all processes of a service; they win over what is planned. */
  env?: Partial<Record<ServiceName, Readonly<Record<string, string>>>>;
}

const HOST = '127.0.0.1';

/** Works out instance names, ports and environments of a local stack, in the order in which a person reads it. */
export async function planStack(options: PlanOptions): Promise<ServiceSpec[]> {
  const edgePorts = options.edgePorts ?? (await freePorts(options.edges));
  const edgeUrls = edgePorts.map((port) => `http://${HOST}:${port}`);
  const webPort = options.web ? (options.webPort ?? (await freePort(HOST))) : undefined;
  const planner = new Planner(options);
  await planner.add('chat', options.chats);
  await planner.add('matchmaker', options.matchmakers);
  await planner.add('simulation', options.simulations);
  for (const [index, port] of edgePorts.entries()) {
    await planner.addOne('edge', index + 1, edgeUrls[index], edgeEnv(port, webPort, options.jwtSecret));
  }
  if (webPort !== undefined) {
    const env = {
      BREAKWATER_WEB_HOST: HOST,
      BREAKWATER_WEB_PORT: String(webPort),
      BREAKWATER_WEB_EDGES: edgeUrls.join(','),
    };
    await planner.addOne('web', 1, `http://localhost:${webPort}`, env);
  }
  return planner.specs;
}

function edgeEnv(port: number, webPort: number | undefined, jwtSecret: string): Record<string, string> {
  const origins = [`http://localhost:${webPort}`, `http://${HOST}:${webPort}`];
  return {
    BREAKWATER_EDGE_HOST: HOST,
    BREAKWATER_EDGE_PORT: String(port),
    BREAKWATER_EDGE_JWT_SECRET: jwtSecret,
    ...(webPort === undefined ? {} : { BREAKWATER_EDGE_ORIGINS: origins.join(',') }),
  };
}

class Planner {
  readonly specs: ServiceSpec[] = [];
  readonly #options: PlanOptions;

  constructor(options: PlanOptions) {
    this.#options = options;
  }

  async add(service: ServiceName, count: number): Promise<void> {
    for (let number = 1; number <= count; number++) await this.addOne(service, number, undefined, {});
  }

  async addOne(
    service: ServiceName,
    number: number,
    url: string | undefined,
    own: Record<string, string>,
  ): Promise<void> {
    const instance = `${service}-${number}`;
    const env = {
      BREAKWATER_DEV: '1',
      BREAKWATER_INSTANCE: instance,
      BREAKWATER_HTTP_HOST: HOST,
      BREAKWATER_HTTP_PORT: String(await freePort(HOST)),
      // The web speaks to edges only.
      ...(service === 'web' ? {} : { BREAKWATER_NATS_URL: this.#options.natsUrl }),
      ...own,
      ...this.#options.env?.[service],
    };
    this.specs.push({ service, instance, env, ...(url === undefined ? {} : { url }) });
  }
}

async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort(HOST));
  return ports;
}
