import { decodeStateReply } from '@breakwater/bus';
import { expect, it } from 'vitest';
import type { Owner } from '../src/domain/owner.ts';
import type { ChainPort } from '../src/domain/ports.ts';
import { MemoryWorld, random } from './memory-world.ts';
import { VolatileWorld } from './volatile-world.ts';

/** Asks, and notes who of those that asked was answered, in order. */
class Askers {
  readonly answered: string[] = [];
  #asked = 0;

  join(owner: Owner, user: string, join: number, session = `s-${user}`): void {
    const who = { user, name: user, edge: 'edge-1', session };
    owner.receive({ kind: 'join', ...who, join, spectate: false, answer: this.#answer(user) });
  }

  sync(owner: Owner, edge: string, pids: number[]): void {
    owner.receive({ kind: 'sync', edge, pids, answer: this.#answer(edge) });
  }

  #answer(who: string) {
    const asked = ++this.#asked;
    const note = (what: string) => void this.answered.push(`${who}, asked as ${asked}: ${what}`);
    return {
      state: (bytes: Uint8Array) => {
        const decoded = decodeStateReply(bytes);
        if (!decoded.ok) throw decoded.error;
        const { join, parts } = decoded.value;
        note(join > 0 ? `join ${join}` : `slices of ${parts.slices.map(({ pid }) => pid).join(' ')}`);
      },
      error: (code: string) => note(code),
    };
  }
}

async function hosted(maxInputs: number) {
  const world = new MemoryWorld({ trouble: 0, random: random(5) }, { maxInputs }, { mode: 'restless' });
  const hosting = world.host(1);
  await world.clock.advanceAsync(200);
  expect((await hosting).kind).toBe('hosted');
  const { owner } = world.owners[0]!;
  return { world, owner };
}

it('a game that stood still answers who asked again and again once, and each asker', async () => {
  const { world, owner } = await hosted(20);
  const askers = new Askers();
  askers.join(owner, 'ann', 1);
  await world.ticks(5);
  world.weather.trouble = 1;
  // Goes with the append that is in doubt from now on; the rest waits in the committer, or for the next tick.
  for (const ticks of [1, 3, 100, 100, 100]) {
    askers.join(owner, 'bob', 1);
    askers.sync(owner, 'edge-1', [1]);
    await world.ticks(ticks);
  }
  askers.sync(owner, 'edge-2', []);
  askers.join(owner, 'cid', 1);
  world.weather.trouble = 0;
  await world.clock.advanceAsync(3_000);
  await world.ticks(20);
  expect(askers.answered.sort()).toEqual([
    'ann, asked as 1: join 1',
    'bob, asked as 10: join 1',
    'cid, asked as 13: join 1',
    'edge-1, asked as 11: slices of 1',
    'edge-2, asked as 12: slices of ',
  ]);
  expect(world.violations).toEqual([]);
});

it('who asks again takes no more room in a game that stands still, and nobody else is refused for it', async () => {
  const { world, owner } = await hosted(2);
  const askers = new Askers();
  await world.ticks(2);
  world.weather.trouble = 1;
  await world.ticks(100);
  for (let attempt = 0; attempt < 50; attempt++) askers.join(owner, 'ann', 1);
  askers.join(owner, 'bob', 1);
  expect(askers.answered).toEqual([]);
  askers.join(owner, 'cid', 1);
  expect(askers.answered).toEqual(['cid, asked as 52: busy']);
});

it('other connections of a user are other askers, and a late copy of a join takes no newer one its place', async () => {
  const { world, owner } = await hosted(20);
  const askers = new Askers();
  await world.ticks(2);
  world.weather.trouble = 1;
  await world.ticks(100);
  askers.join(owner, 'ann', 1, 'tab-1');
  askers.join(owner, 'ann', 2, 'tab-2');
  askers.join(owner, 'ann', 4, 'tab-1');
  askers.join(owner, 'ann', 3, 'tab-1');
  world.weather.trouble = 0;
  await world.clock.advanceAsync(3_000);
  await world.ticks(20);
  expect(askers.answered.sort()).toEqual([
    'ann, asked as 2: join_outdated',
    'ann, asked as 3: join 4',
    'ann, asked as 4: join_outdated',
  ]);
});

it('a volatile game whose log could not be read answers who asked again and again once', async () => {
  const world = new VolatileWorld({ sleepAfterMs: 600_000 });
  let isReadable = true;
  const between = (port: ChainPort): ChainPort => ({
    append: (bytes, expectedSeq) => port.append(bytes, expectedSeq),
    purgeBelow: (seq) => port.purgeBelow(seq),
    read: (from, to) => port.read(from, to),
    tail: () => (isReadable ? port.tail() : Promise.reject(new Error('no answer'))),
  });
  const owner = await world.own(1, {}, {}, world.ports({ log: between }));
  const askers = new Askers();
  const pass = async (ticks: number) => {
    for (let tick = 0; tick < ticks; tick++) {
      owner.tick(world.clock.monotonicMs());
      await world.clock.advanceAsync(20);
    }
  };
  await pass(5);
  isReadable = false;
  for (let attempt = 0; attempt < 5; attempt++) {
    askers.join(owner, 'ann', 1);
    askers.sync(owner, 'edge-1', []);
    await pass(20);
  }
  isReadable = true;
  await world.clock.advanceAsync(3_000);
  await pass(20);
  expect(askers.answered.sort()).toEqual(['ann, asked as 9: join 1', 'edge-1, asked as 10: slices of ']);
  owner.stop('shutdown');
});
