import { setTimeout as sleep } from 'node:timers/promises';
import {
  describeExit,
  type FaultProxy,
  type LocalService,
  type Stack,
  type StackSize,
  startProxy,
  startStack,
} from '@breakwater/testkit';
import type { Fault } from './plan.ts';

/** What was done, when it began and ended, and what is worth saying about it. */
export interface Inflicted {
  readonly fault: Fault;
  /** Unix ms. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly note: string;
}

/** A process that ended without being asked to. */
export interface Crash {
  readonly atMs: number;
  readonly instance: string;
  readonly how: string;
  /** Its last log lines. */
  readonly lines: readonly string[];
}

const DRAIN_TIMEOUT_MS = 60_000;
const RESTART_PAUSE_MS = 500;
const MAX_STARTS = 20;

/** Three hundred clients come from one address here. */
const ROOMY_EDGE = {
  BREAKWATER_EDGE_MAX_CONNECTIONS_PER_ADDRESS: '20000',
  BREAKWATER_EDGE_ADMISSIONS_PER_SECOND: '10000',
  BREAKWATER_EDGE_ADMISSION_BURST: '10000',
  BREAKWATER_LOG_LEVEL: 'warn',
} as const;
const QUIET = { BREAKWATER_LOG_LEVEL: 'warn' } as const;

/** A whole Breakwater of its own, a fault proxy before each edge, and hands to hurt it with. */
export class Rig implements AsyncDisposable {
  readonly stack: Stack;
  readonly crashes: Crash[] = [];
  readonly #proxies: ReadonlyMap<string, FaultProxy>;
  /** Instances that are being hurt, or coming back. */
  readonly #hurt = new Set<string>();
  #isOver = false;

  private constructor(stack: Stack, proxies: ReadonlyMap<string, FaultProxy>) {
    this.stack = stack;
    this.#proxies = proxies;
    for (const service of stack.services) void this.#watch(service);
  }

  static async start(size: Omit<StackSize, 'web'>): Promise<Rig> {
    const env = { edge: ROOMY_EDGE, chat: QUIET, simulation: QUIET, matchmaker: QUIET };
    const stack = await startStack({ ...size, web: false, env });
    const proxies = new Map<string, FaultProxy>();
    for (const [index, url] of stack.edgeUrls.entries())
      proxies.set(`proxy-${index + 1}`, await startProxy(url));
    return new Rig(stack, proxies);
  }

  /** Where clients connect: through the proxies. */
  get urls(): readonly string[] {
    return [...this.#proxies.values()].map((proxy) => proxy.url);
  }

  /** What can be hurt, by service. */
  get targets(): Readonly<Record<string, readonly string[]>> {
    const targets = Object.groupBy(
      this.stack.services.map(({ name }) => name),
      (name) => name.replace(/-\d+$/, ''),
    );
    return { ...(targets as Record<string, string[]>), nats: ['nats'], proxy: [...this.#proxies.keys()] };
  }

  get isWhole(): boolean {
    return this.#hurt.size === 0;
  }

  /** Does it, and resolves when it is over and the target is up again. */
  async inflict(fault: Fault): Promise<Inflicted> {
    const fromMs = Date.now();
    if (this.#hurt.has(fault.target))
      return { fault, fromMs, toMs: fromMs, note: 'left out: still coming back' };
    this.#hurt.add(fault.target);
    const note = await this.#act(fault).finally(() => this.#hurt.delete(fault.target));
    return { fault, fromMs, toMs: Date.now(), note };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    for (const proxy of this.#proxies.values()) await proxy.close();
    await this.stack.stop();
  }

  #act(fault: Fault): Promise<string> {
    if (fault.target === 'nats') return this.#hurtNats(fault);
    const proxy = this.#proxies.get(fault.target);
    if (proxy !== undefined) return hurtProxy(proxy, fault);
    return this.#hurtService(this.stack.service(fault.target), fault);
  }

  async #hurtNats({ kind, forMs }: Fault): Promise<string> {
    const { nats } = this.stack;
    if (kind === 'pause') {
      nats.pause();
      await sleep(forMs);
      nats.resume();
      return '';
    }
    await nats.kill();
    await sleep(forMs);
    await nats.restart();
    return '';
  }

  async #hurtService(service: LocalService, { kind, forMs }: Fault): Promise<string> {
    if (kind === 'pause') {
      service.pause();
      await sleep(forMs);
      service.resume();
      return '';
    }
    const note = kind === 'drain' ? await drain(service) : '';
    if (kind === 'kill') await service.kill();
    await sleep(forMs);
    await this.#startAgain(service);
    return note;
  }

  /** NATS may be away while a process starts: it is started again, as Kubernetes would. */
  async #startAgain(service: LocalService): Promise<void> {
    for (let attempt = 1; !this.#isOver; attempt++) {
      try {
        await service.start();
        void this.#watch(service);
        return;
      } catch (error) {
        if (attempt >= MAX_STARTS) throw error;
        await sleep(RESTART_PAUSE_MS);
      }
    }
  }

  async #watch(service: LocalService): Promise<void> {
    const { process } = service;
    const status = await process.exited;
    if (this.#isOver || this.#hurt.has(service.name)) return;
    const lines = process.lines.slice(-20).map(({ text }) => text);
    this.crashes.push({ atMs: Date.now(), instance: service.name, how: describeExit(status), lines });
    this.#hurt.add(service.name);
    await this.#startAgain(service).finally(() => this.#hurt.delete(service.name));
  }
}

async function drain(service: LocalService): Promise<string> {
  const begunMs = Date.now();
  const status = await service.process.stop({ signal: 'SIGTERM', timeoutMs: DRAIN_TIMEOUT_MS });
  return `${describeExit(status)} after ${((Date.now() - begunMs) / 1_000).toFixed(1)} s`;
}

async function hurtProxy(proxy: FaultProxy, { kind, forMs }: Fault): Promise<string> {
  const cut = proxy.connections;
  if (kind === 'silence') proxy.halfOpen();
  else {
    proxy.refuse();
    proxy.cut();
  }
  await sleep(forMs);
  proxy.resume();
  return `${cut} connections`;
}
