import { randomBytes } from 'node:crypto';
import { type NatsOptions, type NatsServer, startNats } from '../nats/server.ts';
import { LocalService } from '../process/local-service.ts';
import type { LogLine } from '../process/log-line.ts';
import type { StopOptions } from '../process/managed-process.ts';
import type { ServiceName } from '../process/service.ts';
import { type PlanOptions, planStack, type StackSize } from './plan.ts';
import { signToken, type TokenOptions } from './token.ts';

export interface StackOptions extends Partial<StackSize>, Pick<PlanOptions, 'webPort' | 'edgePorts' | 'env'> {
  /** A server that runs already (it is left running), or how to start one; default one server in a temporary folder. */
  nats?: NatsServer | NatsOptions;
  /** What the services connect to instead of the server itself, e.g. a fault proxy in front of it. */
  natsUrl?: string;
  onLine?: (line: LogLine, service: LocalService) => void;
}

/** A whole Breakwater on this machine: one real process a service. */
export interface Stack extends AsyncDisposable {
  readonly nats: NatsServer;
  /** All of them, in the order of the plan. */
  readonly services: readonly LocalService[];
  readonly edges: readonly LocalService[];
  readonly chats: readonly LocalService[];
  readonly simulations: readonly LocalService[];
  readonly matchmakers: readonly LocalService[];
  readonly web: LocalService | undefined;
  /** Base URLs, e.g. `http://127.0.0.1:8081`. */
  readonly edgeUrls: readonly string[];
  readonly webUrl: string | undefined;
  /** Signs tokens; the edges have it. */
  readonly jwtSecret: string;
  /** A token for a user, valid for an hour. */
  token(user: string, name?: string, options?: Omit<TokenOptions, 'user' | 'name'>): string;
  /** The instance of this name, e.g. `edge-1`. @throws Error when there is none */
  service(instance: string): LocalService;
  /** Stops the services, then NATS unless it was given. */
  stop(options?: StopOptions): Promise<void>;
}

const DEFAULT_SIZE: StackSize = { edges: 2, chats: 1, simulations: 2, matchmakers: 1, web: false };

/**
 * Starts nats-server and the services and waits until each is ready.
 * Nothing is restarted by itself, so that a test decides what lives.
 *
 * @throws Error with the last log lines of the service that did not come up; nothing is left running then
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const choice = options.nats ?? {};
  const ownsNats = !('urls' in choice);
  const nats = 'urls' in choice ? choice : await startNats(choice);
  const jwtSecret = randomBytes(32).toString('hex');
  const size = { ...DEFAULT_SIZE, ...options };
  const specs = await planStack({ ...size, natsUrl: options.natsUrl ?? nats.url, jwtSecret });
  const services = specs.map((spec): LocalService => {
    const service: LocalService = new LocalService(spec, (line) => options.onLine?.(line, service));
    return service;
  });
  const stack = new LocalStack(nats, ownsNats, services, jwtSecret);
  try {
    await Promise.all(services.map((service) => service.start()));
  } catch (error) {
    await stack.stop();
    throw error;
  }
  return stack;
}

class LocalStack implements Stack {
  readonly nats: NatsServer;
  readonly services: readonly LocalService[];
  readonly jwtSecret: string;
  readonly #ownsNats: boolean;

  constructor(nats: NatsServer, ownsNats: boolean, services: readonly LocalService[], jwtSecret: string) {
    this.nats = nats;
    this.services = services;
    this.jwtSecret = jwtSecret;
    this.#ownsNats = ownsNats;
  }

  get edges(): readonly LocalService[] {
    return this.#of('edge');
  }

  get chats(): readonly LocalService[] {
    return this.#of('chat');
  }

  get simulations(): readonly LocalService[] {
    return this.#of('simulation');
  }

  get matchmakers(): readonly LocalService[] {
    return this.#of('matchmaker');
  }

  get web(): LocalService | undefined {
    return this.#of('web')[0];
  }

  get edgeUrls(): readonly string[] {
    return this.edges.map((edge) => edge.url);
  }

  get webUrl(): string | undefined {
    return this.web?.url;
  }

  token(user: string, name?: string, options: Omit<TokenOptions, 'user' | 'name'> = {}): string {
    return signToken(this.jwtSecret, { ...options, user, ...(name === undefined ? {} : { name }) });
  }

  service(instance: string): LocalService {
    const found = this.services.find((service) => service.name === instance);
    if (found === undefined) throw new Error(`no ${instance} in this stack`);
    return found;
  }

  async stop(options: StopOptions = { signal: 'SIGINT' }): Promise<void> {
    await Promise.all(this.services.map((service) => service.stop(options)));
    if (this.#ownsNats) await this.nats.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #of(name: ServiceName): LocalService[] {
    return this.services.filter((service) => service.spec.service === name);
  }
}
