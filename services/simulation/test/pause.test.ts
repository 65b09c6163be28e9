import { decodeStateReply, gameId, type SimStatus } from '@breakwater/bus';
import { eventually, type ServiceProcess, spawnService } from '@breakwater/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FIXTURE_GAMES, gameRecord, Sims, simEnv, subjects } from './sims.ts';
import { TWITCH, VOLATILE_GAMES } from './volatile-viewer.ts';

/** `npm run test:long` */
const IS_LONG = process.env.BREAKWATER_TEST_LONG !== undefined;
const ROUNDS = IS_LONG ? 100 : 5;
const LONG_PAUSE_MS = 5_000;
const SHORT_PAUSE_MS = 1_500;
const pauseMsOf = (round: number) => (IS_LONG || round === 1 ? LONG_PAUSE_MS : SHORT_PAUSE_MS);

const RESTLESS = { type: 'lab', options: { mode: 'restless' } } as const;
const CALM = { type: 'lab' } as const;
const GAMES = {
  BREAKWATER_SIMULATION_GAME_FOLDERS: `${FIXTURE_GAMES},${VOLATILE_GAMES.BREAKWATER_SIMULATION_GAME_FOLDERS}`,
};
const GAMES_EACH = 5;

let sims: Sims;
let old: ServiceProcess;
/** The newest heartbeat of the process that is paused: what the matchmaker goes by. */
let oldStatus: SimStatus | undefined;
beforeAll(async () => {
  sims = await Sims.start();
  sims.onStatus((status) => {
    if (status.pod === 'sim-old') oldStatus = status;
  });
  await sims.pod('sim-new', GAMES);
  old = await spawnService('simulation', { env: simEnv(sims.nats, 'sim-old', GAMES) });
});
afterAll(async () => {
  await old.kill();
  await sims[Symbol.asyncDispose]();
});

/** Epochs of what is published there, in the order in which it came. */
function listen(subject: string): number[] {
  const epochs: number[] = [];
  sims.bus.subscribe(subject, {}, (message) => {
    epochs.push(gameRecord(message.data).epoch);
  });
  return epochs;
}

/** What the process listens to, as nats-server has it. */
async function subscriptionsOfOld(): Promise<string[]> {
  const answer = await fetch(`${sims.nats.servers[0]?.monitorUrl}/connz?subs=1&limit=1024`);
  const { connections } = (await answer.json()) as {
    connections: { name?: string; subscriptions_list?: string[] }[];
  };
  const own = connections.filter(({ name }) => name?.includes('sim-old'));
  expect(own.length).toBeGreaterThan(0);
  return own.flatMap(({ subscriptions_list: subjects = [] }) => subjects).toSorted();
}

/** Joins whose answers, all of them, are collected: whoever gives them. */
class Joiner {
  readonly epochs: number[] = [];
  readonly errors: string[] = [];
  readonly #inbox: string;
  asked = 0;

  constructor(round: number) {
    this.#inbox = `test.answers.${round}`;
    sims.bus.subscribe(this.#inbox, {}, (message) => {
      const decoded = decodeStateReply(Uint8Array.from(message.data));
      if (decoded.ok) this.epochs.push(decoded.value.epoch);
      else this.errors.push(Buffer.from(message.data).toString());
    });
  }

  join(game: string, user: string): void {
    this.asked += 1;
    const join = { kind: 'join', edge: 'edge-1', session: 's', user, name: user, join: 1, spectate: false };
    sims.bus.publish(subjects.gameIn(gameId(game)), join, { reply: this.#inbox });
  }
}

async function round(number: number): Promise<void> {
  const game = (kind: string) => `${kind}-${number}`;
  const hosted = [
    [game('played'), RESTLESS],
    [game('asleep'), CALM],
    [game('watched'), CALM],
    [game('volatile'), TWITCH],
    [game('idle'), CALM],
  ] as const;
  const feeds = new Map(hosted.map(([id]) => [id, listen(subjects.gameFeed(gameId(id)))]));
  const live = listen(subjects.gameLive(gameId(game('volatile'))));
  const joiner = new Joiner(number);
  await sims.bus.flush();
  for (const [id, type] of hosted.slice(0, 4))
    expect(await sims.host('sim-old', id, type)).toMatchObject({ outcome: 'hosted' });
  const { pid } = await sims.join(game('played'), 'ann');
  await sims.join(game('watched'), 'ann', 1, { spectate: true });
  await sims.join(game('volatile'), 'ann');
  await eventually(async () =>
    (await sims.list('sim-old')).some((line) => line.game === game('asleep') && line.state === 'sleeping'),
  );
  await sims.host('sim-old', game('idle'), CALM);
  sims.command(game('played'), pid, 1, 'add', { tag: 1 });
  await sims.bus.flush();
  await eventually(() => oldStatus?.games === GAMES_EACH && live.includes(1));

  old.pause();
  const resumeAtMs = performance.now() + pauseMsOf(number);
  for (const [id, type] of hosted)
    expect(await sims.host('sim-new', id, { ...type, epoch: 2 })).toMatchObject({ outcome: 'hosted' });
  for (const [id] of hosted) joiner.join(id, 'bob');
  await eventually(() => joiner.epochs.length === joiner.asked);
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, resumeAtMs - performance.now())));
  old.resume();
  for (const [id] of hosted) joiner.join(id, 'cid');
  await eventually(async () => (await sims.list('sim-old')).length === 0);
  await sims.bus.flush();
  // Deltas are sent without asking the log, so the old owner may have sent some until it knew: nobody shows them.
  const lateDeltas = live.filter((epoch) => epoch === 1).length;
  await eventually(() => joiner.epochs.length >= joiner.asked);
  await eventually(() => oldStatus?.games === 0);
  await eventually(() => live.filter((epoch) => epoch === 2).length > 20);

  // Whatever the old owner had to say is on its way by now, and is heard before this answer.
  await sims.list('sim-old');
  await sims.bus.flush();
  expect(live.filter((epoch) => epoch === 1)).toHaveLength(lateDeltas);
  expect(joiner.errors).toEqual([]);
  expect(joiner.epochs).toEqual(Array.from({ length: joiner.asked }, () => 2));
  for (const [id] of hosted) {
    const log = (await sims.log(id)).map(({ record }) => `${record.kind} ${record.epoch}`);
    const claimAt = log.indexOf('claim 2');
    expect(log.slice(Math.max(0, claimAt)).filter((line) => line.endsWith(' 1'))).toEqual([]);
    const epochs = feeds.get(id) ?? [];
    expect(epochs).toContain(2);
    expect(epochs).toEqual(epochs.toSorted((a, b) => a - b));
    await sims.release('sim-new', id, 2);
  }
}

it(
  'fault 31: paused while others take its games, a process finds all of them lost, the idle ones too, says that it is free, and has nothing more to say',
  async () => {
    const before = await subscriptionsOfOld();
    for (let number = 1; number <= ROUNDS; number++) await round(number);
    await eventually(async () => expect(await subscriptionsOfOld()).toEqual(before));
    const text = await (await fetch(`http://127.0.0.1:${old.ready.httpPort}/metrics`)).text();
    const value = (line: RegExp) => Number(line.exec(text)?.[1] ?? 0);
    const overtaken = value(/^breakwater_simulation_stops_total\{reason="overtaken"\} (\d+)/m);
    const superseded = value(/^breakwater_simulation_stops_total\{reason="superseded"\} (\d+)/m);
    expect(overtaken + superseded).toBe(GAMES_EACH * ROUNDS);
    expect(value(/^breakwater_simulation_games\{state="running"\} (\d+)/m)).toBe(0);
    expect(value(/^breakwater_simulation_games\{state="sleeping"\} (\d+)/m)).toBe(0);
  },
  60_000 + ROUNDS * 15_000,
);

it('a process whose heartbeats are slow does not take each of them for a pause', async () => {
  const slow = { BREAKWATER_SIMULATION_HEARTBEAT_MS: '1000' };
  await sims.pod('sim-slow', slow);
  await sims.host('sim-slow', 'slowly', CALM);
  await eventually(async () => (await sims.list('sim-slow'))[0]?.state === 'sleeping');
  const looks: unknown[] = [];
  let heartbeats = 0;
  sims.bus.subscribe('$JS.API.STREAM.MSG.GET.>', {}, (message) => {
    if ((message.json() as { last_by_subj?: string }).last_by_subj === subjects.gameLog(gameId('slowly')))
      looks.push(message.json());
  });
  sims.bus.subscribe(subjects.simStatus(), {}, (message) => {
    if ((message.json() as { pod: string }).pod === 'sim-slow') heartbeats += 1;
  });
  await eventually(() => heartbeats >= 4);
  expect(looks).toEqual([]);
});
