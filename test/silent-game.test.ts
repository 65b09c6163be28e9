import { type Client, connect } from '@breakwater/client';
import { eventually, type Stack, startStack } from '@breakwater/testkit';
import { expect, it } from 'vitest';

/** A client that would never come back to a silent game by itself. */
const as = (stack: Stack, user: string): Promise<Client> =>
  connect({ urls: stack.edgeUrls, token: stack.token(user), times: { gameSilenceMs: 600_000 } });

it('a game whose process is killed goes on in another one for those who only look on', async () => {
  await using stack = await startStack({ edges: 1 });
  await using ann = await as(stack, 'ann');
  await using sam = await as(stack, 'sam');
  const { game } = await ann.games.create('world');
  const played = await ann.games.join(game);
  const watched = await sam.games.join(game, { spectate: true });
  const seats = [played, watched];
  const statuses: string[] = [];
  for (const seat of seats) seat.on('status', ({ status }) => statuses.push(status));
  await eventually(() => expect(watched.replica.tick).toBeGreaterThan(5));
  const { pod, pid, epoch } = played;

  await stack.service(pod).kill();

  await eventually(
    () => {
      for (const seat of seats) {
        expect(seat.pod).not.toBe(pod);
        expect(seat.replica.table('players').rows.get(pid!)).toBeDefined();
      }
    },
    { timeoutMs: 20_000 },
  );
  const tick = watched.replica.tick;
  await eventually(() => expect(watched.replica.tick).toBeGreaterThan(tick + 5));
  expect(seats.map((seat) => seat.epoch > epoch)).toEqual([true, true]);
  expect(statuses).toEqual([]);
}, 60_000);
