import { type Client, connect } from '@breakwater/client';
import { eventually, type LocalService, type Stack, startStack } from '@breakwater/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** Of each kind: about half of them are handed to the process that stands still. */
const QUESTIONS = 8;
const LIMIT = { timeoutMs: 60_000 };

let stack: Stack;
const clients: Client[] = [];

beforeEach(async () => {
  stack = await startStack({
    edges: 1,
    chats: 1,
    matchmakers: 2,
    simulations: 2,
    env: {
      // A question that is swallowed is asked again so often that nobody is unlucky each time, or never.
      edge: { BREAKWATER_EDGE_MATCH_AGAIN_MS: '250', BREAKWATER_EDGE_GAME_JOIN_MS: '60000' },
      // Nobody takes over: a lost game is hosted again only where it is asked for.
      matchmaker: { BREAKWATER_MATCHMAKER_LEADER_TAKEOVER_MS: '120000' },
    },
  });
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const matchmaker of stack?.matchmakers ?? []) matchmaker.resume();
  await stack?.stop();
});

async function as(user: string): Promise<Client> {
  const times = { requestTimeoutMs: 30_000 };
  const client = await connect({ urls: stack.edgeUrls, token: stack.token(user), times });
  clients.push(client);
  return client;
}

async function counted(service: LocalService, metric: string, label = ''): Promise<number> {
  const page = await (await fetch(`${service.adminUrl}/metrics`)).text();
  const lines = page.split('\n').filter((line) => line.startsWith(metric) && line.includes(label));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

async function leaderAndOther(): Promise<[leader: LocalService, other: LocalService]> {
  return eventually(async () => {
    const [first, second] = stack.matchmakers as [LocalService, LocalService];
    const leads = await Promise.all(
      [first, second].map((service) => counted(service, 'breakwater_matchmaker_leading')),
    );
    expect(leads.reduce((sum, lead) => sum + lead)).toBe(1);
    return leads[0] === 1 ? [first, second] : [second, first];
  }, LIMIT);
}

const times = <T>(work: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: QUESTIONS }, (_, n) => work(n)));

describe('while one of two matchmakers stands still', () => {
  it('every create, quick match and list is answered, and when it wakes no key has made two games', async () => {
    const ann = await as('ann');
    const players = await times((n) => as(`player-${n}`));
    const [, paused] = await leaderAndOther();
    paused.pause();

    const created = await times((n) => ann.games.create('world', { key: `key-${n}` }));
    const lists = await times(() => ann.games.list());
    const quick = await Promise.all(players.map((player) => player.games.quickMatch('world')));

    const games = created.map(({ game }) => game).sort();
    expect(new Set(games).size).toBe(QUESTIONS);
    for (const list of lists) expect(list.map(({ game }) => game).sort()).toEqual(games);
    for (const { id } of quick) expect(games).toContain(id);

    paused.resume();
    await eventually(async () => {
      // It works off what it was handed, and then answers again.
      const again = await times((n) => ann.games.create('world', { key: `key-${n}` }));
      expect(again.map(({ game }) => game).sort()).toEqual(games);
      expect(await counted(paused, 'breakwater_matchmaker_requests_total', 'verb="create"')).toBeGreaterThan(
        QUESTIONS,
      );
    }, LIMIT);
    expect((await ann.games.list()).map(({ game }) => game).sort()).toEqual(games);
  }, 180_000);

  it('every join of a game whose process is gone as well finds it in another one', async () => {
    const ann = await as('ann');
    const created = await times(() => ann.games.create('world'));
    const [paused, other] = await leaderAndOther();
    const { pod } = created[0]!;
    const lost = created.filter((info) => info.pod === pod);
    expect(lost).toHaveLength(QUESTIONS);

    paused.pause();
    await stack.service(pod!).kill();
    const joined = await Promise.all(lost.map(({ game }) => ann.games.join(game)));

    for (const game of joined) expect(game.pod).not.toBe(pod);
    expect(
      await counted(other, 'breakwater_matchmaker_requests_total', 'verb="find"'),
    ).toBeGreaterThanOrEqual(QUESTIONS);
  }, 180_000);
});
