import { connect, createServer, type Server, type Socket } from 'node:net';
import { Lane, type LaneRules } from './lane.ts';

/** `up` goes from the client to the target, `down` comes back. */
export type ProxyDirection = 'up' | 'down' | 'both';

/** A TCP relay on 127.0.0.1 that can misbehave. Rules hold for connections that are open and for later ones. */
export interface FaultProxy extends AsyncDisposable {
  readonly port: number;
  /** The target's address with the proxy's host and port, when the target was given as a URL. */
  readonly url: string;
  /** Connections that are open now. */
  readonly connections: number;
  /** Connections taken since the start. */
  readonly accepted: number;
  /** Every byte arrives this much later, in order. */
  delay(delayMs: number, direction?: ProxyDirection): void;
  /** Writes pieces of at most so many bytes; 1 is every byte on its own. */
  splitBytes(pieceBytes: number, direction?: ProxyDirection): void;
  /** Forwards nothing and closes nothing, as when a cable is pulled; `resume` delivers what was held. */
  halfOpen(direction?: ProxyDirection): void;
  /** Resets (RST) every open connection on both sides; new ones are taken. */
  cut(): void;
  /** Resets new connections at once, until `resume`. */
  refuse(): void;
  /** Back to a plain relay. */
  resume(direction?: ProxyDirection): void;
  close(): Promise<void>;
}

/** Where a proxy leads to: a port of 127.0.0.1, a URL with a port, or host and port. */
export type ProxyTarget = number | string | { host: string; port: number };

/** Starts a fault proxy in front of a TCP service. It connects only when a client comes. */
export async function startProxy(target: ProxyTarget): Promise<FaultProxy> {
  const proxy = new TcpProxy(parseTarget(target));
  await proxy.listen();
  return proxy;
}

interface Target {
  host: string;
  port: number;
  url: string;
}

function parseTarget(target: ProxyTarget): Target {
  if (typeof target === 'number')
    return { host: '127.0.0.1', port: target, url: `tcp://127.0.0.1:${target}` };
  if (typeof target === 'object') return { ...target, url: `tcp://${target.host}:${target.port}` };
  const url = new URL(target);
  if (url.port === '') throw new Error(`the target ${target} names no port`);
  return { host: url.hostname, port: Number(url.port), url: target };
}

interface Link {
  client: Socket;
  upstream: Socket;
  lanes: readonly Lane[];
}

class TcpProxy implements FaultProxy {
  readonly #target: Target;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #up: LaneRules = { delayMs: 0, splitBytes: 0, halfOpen: false };
  readonly #down: LaneRules = { delayMs: 0, splitBytes: 0, halfOpen: false };
  #refuses = false;
  accepted = 0;

  constructor(target: Target) {
    this.#target = target;
    // A side that has said all it will may still be spoken to.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy is closed');
    return address.port;
  }

  get url(): string {
    const url = new URL(this.#target.url);
    // Node keeps the host of schemes it does not know, so the text is replaced instead.
    return this.#target.url.replace(url.host, `127.0.0.1:${this.port}`);
  }

  get connections(): number {
    return this.#links.size;
  }

  #accept(client: Socket): void {
    if (this.#refuses) {
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    this.accepted += 1;
    const upstream = connect({
      host: this.#target.host,
      port: this.#target.port,
      allowHalfOpen: true,
      noDelay: true,
    });
    const lanes = [new Lane(client, upstream, this.#up), new Lane(upstream, client, this.#down)];
    const link: Link = { client, upstream, lanes };
    this.#links.add(link);
    for (const socket of [client, upstream]) socket.on('close', () => this.#forget(link));
  }

  #forget(link: Link): void {
    if (link.client.destroyed && link.upstream.destroyed) this.#links.delete(link);
  }

  #rules(direction: ProxyDirection): LaneRules[] {
    if (direction === 'both') return [this.#up, this.#down];
    return [direction === 'up' ? this.#up : this.#down];
  }

  #change(direction: ProxyDirection, change: Partial<LaneRules>): void {
    for (const rules of this.#rules(direction)) Object.assign(rules, change);
    for (const link of this.#links) for (const lane of link.lanes) lane.update();
  }

  delay(delayMs: number, direction: ProxyDirection = 'both'): void {
    this.#change(direction, { delayMs });
  }

  splitBytes(pieceBytes: number, direction: ProxyDirection = 'both'): void {
    this.#change(direction, { splitBytes: pieceBytes });
  }

  halfOpen(direction: ProxyDirection = 'both'): void {
    this.#change(direction, { halfOpen: true });
  }

  cut(): void {
    for (const { client, upstream } of this.#links) {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    }
  }

  refuse(): void {
    this.#refuses = true;
  }

  resume(direction: ProxyDirection = 'both'): void {
    if (direction === 'both') this.#refuses = false;
    this.#change(direction, { delayMs: 0, splitBytes: 0, halfOpen: false });
  }

  close(): Promise<void> {
    this.cut();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
