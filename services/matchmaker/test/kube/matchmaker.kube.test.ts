import type { RunningService } from '@breakwater/service-kit';
import { eventually } from '@breakwater/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestBed } from '../matchmakers.ts';
import type { ScriptedSimulation } from '../scripted-simulation.ts';
import { InformerBed } from './informer-bed.ts';
import { KubeWorld } from './kube-world.ts';

const LONG = { timeoutMs: 120_000, intervalMs: 100 };
const COST = 'controller.kubernetes.io/pod-deletion-cost';
const EVICT = 'cluster-autoscaler.kubernetes.io/safe-to-evict';
const SLOTS = 10;

let world: KubeWorld;
let bed: TestBed;

beforeEach(async () => {
  world = await KubeWorld.start();
  bed = await TestBed.start();
});
afterEach(async () => {
  await bed[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

function settings(kubeconfig = world.kubeconfig): Record<string, string> {
  return {
    BREAKWATER_MATCHMAKER_KUBECONFIG: kubeconfig,
    BREAKWATER_MATCHMAKER_NAMESPACE: world.namespace,
    BREAKWATER_MATCHMAKER_POD_SELECTOR: 'app=sim',
    BREAKWATER_MATCHMAKER_DEPLOYMENT: 'sims',
    BREAKWATER_MATCHMAKER_MARKS_MS: '200',
    BREAKWATER_MATCHMAKER_BUFFER_CHECK_MS: '200',
  };
}

const BUFFER = {
  BREAKWATER_MATCHMAKER_BUFFER_SLOTS: '5',
  BREAKWATER_MATCHMAKER_BUFFER_MAX_REPLICAS: '4',
  BREAKWATER_MATCHMAKER_BUFFER_HYSTERESIS_SLOTS: '1',
  BREAKWATER_MATCHMAKER_BUFFER_STABLE_MS: '1500',
  BREAKWATER_MATCHMAKER_BUFFER_SETTLE_MS: '1000',
} as const;

async function metric(service: RunningService, line: string): Promise<number | undefined> {
  const text = await (await fetch(`http://127.0.0.1:${service.httpPort}/metrics`)).text();
  const found = text.split('\n').find((each) => each.startsWith(`${line} `));
  return found === undefined ? undefined : Number(found.slice(line.length));
}

let created = 0;
/** A creation that finds no room is asked for again, as a client does. */
async function createGames(n: number): Promise<void> {
  for (let i = 0; i < n; i++) {
    const key = `k${created++}`;
    await eventually(() => bed.create('u1', key), LONG);
  }
}

test('39: a process whose pod was deleted is gone before its heartbeats are missed; one that still answers is not', async () => {
  await world.pods('gone', 'alive');
  // By its heartbeats a process would be gone after a hundred seconds.
  const patience = {
    BREAKWATER_MATCHMAKER_HEARTBEAT_MS: '1000',
    BREAKWATER_MATCHMAKER_MISSED_HEARTBEATS: '100',
  };
  const service = await bed.matchmaker({ ...settings(), ...patience });
  const gone = await bed.simulation('gone');
  await bed.simulation('alive');
  await eventually(async () => (await bed.processes()).length === 2, LONG);
  await eventually(async () => (await metric(service, 'breakwater_matchmaker_pods')) === 2, LONG);
  await world.deletePod('alive');
  await eventually(async () => {
    expect(await metric(service, 'breakwater_matchmaker_pod_hints_total{outcome="answered"}')).toBe(1);
  }, LONG);
  await gone[Symbol.asyncDispose]();
  await world.deletePod('gone');
  await eventually(
    async () => {
      expect((await bed.processes()).map(({ pod }) => pod)).toEqual(['alive']);
    },
    { timeoutMs: 60_000 },
  );
  expect(await metric(service, 'breakwater_matchmaker_pod_hints_total{outcome="gone"}')).toBe(1);
});

test('annotations follow the load, and are written by one replica, rarely', async () => {
  await world.pods('busy', 'idle');
  const services = [await bed.matchmaker(settings()), await bed.matchmaker(settings())];
  const busy = await bed.simulation('busy');
  await eventually(async () => (await world.annotations('busy'))[EVICT] === 'true', LONG);
  await createGames(3);
  await bed.simulation('idle');
  const annotated = async (pod: string, cost: string, evict: string) =>
    eventually(
      async () => expect(await world.annotations(pod)).toMatchObject({ [COST]: cost, [EVICT]: evict }),
      LONG,
    );
  await annotated('busy', '3', 'false');
  await annotated('idle', '0', 'true');
  for (const game of busy.hosted.keys()) busy.report(game, { state: 'ended' });
  await annotated('busy', '0', 'true');
  const patches = await Promise.all(
    services.map((service) => metric(service, 'breakwater_matchmaker_pod_patches_total{outcome="ok"}')),
  );
  expect(patches.filter((count) => (count ?? 0) > 0)).toHaveLength(1);
  // Six changes of load at most were seen by the passes, each one patch.
  expect(Math.max(...patches.map((count) => count ?? 0))).toBeLessThanOrEqual(8);
});

test('a pod that a person cordoned gets no games', async () => {
  await world.pods('closed', 'open');
  await bed.matchmaker(settings());
  const closed = await bed.simulation('closed');
  await createGames(1);
  const open = await bed.simulation('open');
  await world.kubectl('annotate', 'pod', 'closed', 'breakwater.io/cordoned=ann');
  await eventually(async () => {
    expect((await bed.processes()).find(({ pod }) => pod === 'closed')?.isCordoned).toBe(true);
  }, LONG);
  await createGames(3);
  expect([closed.hosted.size, open.hosted.size]).toEqual([1, 3]);
});

test('without any permission games are made as ever, and it is said what may not be done', async () => {
  const kubeconfig = await world.account('powerless', []);
  const service = await bed.matchmaker({ ...settings(kubeconfig), ...BUFFER });
  const simulation = await bed.simulation('somewhere');
  await eventually(
    async () =>
      (await metric(service, 'breakwater_matchmaker_pod_watch_failures_total{reason="forbidden"}')) === 1,
    LONG,
  );
  await createGames(2);
  expect(simulation.hosted.size).toBe(2);
});

/** Runs a scripted process in every pod of the Deployment, as a container would. */
class Processes implements AsyncDisposable {
  readonly running = new Map<string, Promise<ScriptedSimulation>>();
  readonly #pods: InformerBed;

  private constructor(pods: InformerBed) {
    this.#pods = pods;
  }

  static async start(): Promise<Processes> {
    let processes: Processes | undefined;
    const onChange = () => processes?.follow();
    const { kubeconfig, namespace } = world;
    processes = new Processes(await InformerBed.start({ kubeconfig, namespace, onChange }));
    processes.follow();
    return processes;
  }

  follow(): void {
    const ready = [...this.#pods.book.pods()].filter(
      ({ isReady, isTerminating }) => isReady && !isTerminating,
    );
    const names = new Set(ready.map(({ name }) => name));
    for (const name of names)
      if (!this.running.has(name)) this.running.set(name, bed.simulation(name, { maxGames: SLOTS }));
    for (const [name, process] of this.running)
      if (!names.has(name)) {
        this.running.delete(name);
        void process.then((simulation) => simulation[Symbol.asyncDispose]());
      }
  }

  all(): Promise<ScriptedSimulation[]> {
    return Promise.all(this.running.values());
  }

  async games(): Promise<number[]> {
    return (await this.all()).map(({ hosted }) => hosted.size).sort((a, b) => a - b);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pods[Symbol.asyncDispose]();
    await Promise.allSettled(this.running.values());
  }
}

test('the buffer grows with the games and shrinks to the pods that have some, taking only empty ones away', async () => {
  await world.deployment('sims', 1);
  await using processes = await Processes.start();
  await bed.matchmaker({ ...settings(), ...BUFFER, BREAKWATER_MATCHMAKER_BUFFER_MOVES_GAMES: 'false' });
  await bed.matchmaker({ ...settings(), ...BUFFER, BREAKWATER_MATCHMAKER_BUFFER_MOVES_GAMES: 'false' });
  await eventually(() => processes.running.size === 1, LONG);
  await createGames(8);
  await eventually(() => processes.running.size === 2, LONG);
  await createGames(10);
  await eventually(() => processes.running.size === 3, LONG);
  await eventually(async () => expect(await processes.games()).toEqual([0, 8, 10]), LONG);

  const full = (await processes.all()).find(({ hosted }) => hosted.size === SLOTS);
  const half = (await processes.all()).find(({ hosted }) => hosted.size === 8);
  for (const game of full?.hosted.keys() ?? []) full?.report(game, { state: 'ended' });
  await eventually(() => processes.running.size === 2, LONG);
  expect((await processes.games()).at(-1)).toBe(8);
  const kept = [...(half?.hosted.keys() ?? [])];
  for (const game of kept) expect((await bed.find(game)).info.state).toBe('running');

  for (const game of kept) half?.report(game, { state: 'ended' });
  await eventually(() => processes.running.size === 1, LONG);
  await eventually(async () => expect([...processes.running.keys()]).toEqual(await world.podNames()), LONG);
});

test('a pod that is to go is emptied by moves, and its games go on in another', async () => {
  await world.deployment('sims', 2);
  await using processes = await Processes.start();
  await eventually(() => processes.running.size === 2, LONG);
  const spread = {
    BREAKWATER_MATCHMAKER_PLACEMENT: 'spread',
    BREAKWATER_MATCHMAKER_BUFFER_STABLE_MS: '4000',
  };
  await bed.matchmaker({ ...settings(), ...BUFFER, ...spread });
  await eventually(async () => (await bed.processes()).length === 2, LONG);
  await createGames(4);
  expect(await processes.games()).toEqual([2, 2]);
  const games = (await processes.all()).flatMap(({ hosted }) => [...hosted.keys()]);
  await eventually(() => processes.running.size === 1, LONG);
  const [left] = await processes.all();
  expect([...(left?.hosted.keys() ?? [])].sort()).toEqual(games.sort());
  for (const game of games) expect((await bed.find(game)).info.pod).toBe(left?.pod);
});
