import { TOKEN_SUBPROTOCOL_PREFIX } from '@breakwater/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AdmissionBook, type AdmissionLimits } from './admission.ts';
import { bearerOf, credentialsOf, hasTokenInUrl, isOriginAllowed } from './handshake.ts';
import { LobbyView } from './lobby-view.ts';
import { moveTimes } from './move-times.ts';
import { Recent } from './recent.ts';
import { TokenBucket } from './token-bucket.ts';

describe('TokenBucket', () => {
  const rate = { perSecond: 10, burst: 3 };

  it('lets a burst pass and then says how long to wait', () => {
    const bucket = new TokenBucket(rate, 0);
    expect([0, 0, 0].map((nowMs) => bucket.take(rate, nowMs))).toEqual([0, 0, 0]);
    expect(bucket.take(rate, 0)).toBe(100);
    expect(bucket.take(rate, 100)).toBe(0);
    expect(bucket.take(rate, 150)).toBe(50);
  });

  it('never lets more pass than the burst and the rate allow', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 200 }), { maxLength: 200 }), (pauses) => {
        const bucket = new TokenBucket(rate, 0);
        let nowMs = 0;
        let passed = 0;
        for (const pauseMs of pauses) {
          nowMs += pauseMs;
          if (bucket.take(rate, nowMs) === 0) passed += 1;
          expect(passed).toBeLessThanOrEqual(rate.burst + (nowMs * rate.perSecond) / 1_000 + 1e-6);
        }
      }),
    );
  });
});

describe('AdmissionBook', () => {
  const limits: AdmissionLimits = {
    maxConnections: 4,
    maxPerUser: 2,
    maxPerAddress: 3,
    rate: { perSecond: 1_000, burst: 100 },
  };

  it('refuses above each limit by its name', () => {
    const book = new AdmissionBook(limits, 0);
    expect(book.admit('ann', 'a', 0)).toEqual({ isAdmitted: true });
    expect(book.admit('ann', 'a', 0)).toEqual({ isAdmitted: true });
    expect(book.admit('ann', 'b', 0)).toMatchObject({ refusal: 'user_limit' });
    book.admit('bea', 'a', 0);
    expect(book.admit('cho', 'a', 0)).toMatchObject({ refusal: 'address_limit' });
    book.admit('cho', 'b', 0);
    expect(book.admit('dan', 'c', 0)).toMatchObject({ refusal: 'process_limit' });
    expect(book.checkAddress('c')).toMatchObject({ refusal: 'process_limit' });
  });

  it('says when to come back once too many came at once', () => {
    const book = new AdmissionBook({ ...limits, rate: { perSecond: 2, burst: 1 } }, 0);
    expect(book.admit('ann', 'a', 0)).toEqual({ isAdmitted: true });
    expect(book.admit('bea', 'b', 0)).toEqual({ isAdmitted: false, refusal: 'rate', retryAfterMs: 500 });
    expect(book.connections).toBe(1);
  });

  it('is empty again after everybody was released, and tells of the last connection of a user', () => {
    const gone: string[] = [];
    const book = new AdmissionBook(limits, 0, (user) => gone.push(user));
    book.admit('ann', 'a', 0);
    book.admit('ann', 'a', 0);
    book.release('ann', 'a');
    expect(gone).toEqual([]);
    book.release('ann', 'a');
    expect(gone).toEqual(['ann']);
    expect(book.connections).toBe(0);
    for (let count = 0; count < 3; count++) expect(book.checkAddress('a')).toEqual({ isAdmitted: true });
  });
});

describe('the handshake', () => {
  const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.abcdef';

  it('finds tokens in URLs, whatever they are called, and lets tickets pass', () => {
    for (const query of [
      { token: 'x' },
      { access_token: 'x' },
      { JWT: 'x' },
      { q: jwt },
      { q: ['a', jwt] },
    ]) {
      expect(hasTokenInUrl('/v1/ws', query)).toBe(true);
    }
    expect(hasTokenInUrl(`/v1/${jwt}`, {})).toBe(true);
    expect(hasTokenInUrl('/v1/ws', { ticket: jwt })).toBe(false);
    expect(hasTokenInUrl('/v1/ws', { room: 'general' })).toBe(false);
  });

  it('compares origins exactly', () => {
    const allowed = new Set(['https://app.example.com']);
    for (const origin of [
      'https://app.example.com.evil',
      'http://app.example.com',
      'null',
      '',
      'https://evil.example',
      'https://app.example.com:8443',
      'HTTPS://APP.EXAMPLE.COM',
    ]) {
      expect(isOriginAllowed(origin, allowed)).toBe(false);
    }
    expect(isOriginAllowed('https://app.example.com', allowed)).toBe(true);
    expect(isOriginAllowed(undefined, allowed)).toBe(true);
  });

  it('finds every credential, so that more than one can be refused', () => {
    const all = {
      authorization: `Bearer ${jwt}`,
      subprotocols: `breakwater.v1, ${TOKEN_SUBPROTOCOL_PREFIX}abc`,
      ticket: 't',
    };
    const find = (offer: Partial<typeof all>) =>
      credentialsOf(
        { authorization: undefined, subprotocols: undefined, ticket: undefined, ...offer },
        TOKEN_SUBPROTOCOL_PREFIX,
      );
    expect(find(all)).toEqual([
      { kind: 'token', token: jwt },
      { kind: 'token', token: 'abc' },
      { kind: 'ticket', ticket: 't' },
    ]);
    expect(find({ subprotocols: 'breakwater.v1', authorization: 'Basic abc', ticket: 't' })).toEqual([
      { kind: 'ticket', ticket: 't' },
    ]);
    expect(find({})).toEqual([]);
  });

  it('reads only a well-formed bearer header', () => {
    expect(bearerOf('bearer abc.def')).toBe('abc.def');
    for (const header of [undefined, '', 'Bearer', 'Bearer a b', 'Token abc', 'Bearer \n'])
      expect(bearerOf(header)).toBeUndefined();
  });
});

describe('Recent', () => {
  const seqs = (list: readonly { seq: number }[] | undefined) => list?.map(({ seq }) => seq);

  it('keeps what is forwarded while somebody waits, and nothing else', () => {
    const recent = new Recent<{ seq: number }>(10);
    recent.add({ seq: 4 });
    recent.attach(5);
    recent.add({ seq: 6 });
    recent.add({ seq: 8 });
    expect(seqs(recent.after(5))).toEqual([6, 8]);
    expect(seqs(recent.after(7))).toEqual([8]);
    expect(recent.after(4)).toBeUndefined();
    recent.detach();
    expect(recent.isNeeded).toBe(false);
    expect(recent.after(5)).toBeUndefined();
  });

  it('serves no state from before what its limit pushed out', () => {
    const recent = new Recent<{ seq: number }>(2);
    recent.attach(1);
    for (const seq of [2, 3, 4]) recent.add({ seq });
    expect(recent.after(1)).toBeUndefined();
    expect(seqs(recent.after(2))).toEqual([3, 4]);
  });

  it('knows nothing before there is a position', () => {
    const recent = new Recent<{ seq: number }>(2);
    recent.attach(undefined);
    expect(recent.after(7)).toBeUndefined();
    recent.restart(7);
    expect(recent.after(7)).toEqual([]);
  });
});

describe('moveTimes', () => {
  it('spreads the clients evenly over the time, each in a share of its own', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.nat({ max: 60_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (count, spreadMs, r) => {
          const times = moveTimes(count, spreadMs, () => r);
          expect(times).toHaveLength(count);
          const sorted = [...times].sort((a, b) => a - b);
          sorted.forEach((time, index) => {
            expect(time).toBeGreaterThanOrEqual(Math.floor((index * spreadMs) / count) - 1);
            expect(time).toBeLessThanOrEqual(Math.ceil(((index + 1) * spreadMs) / count));
          });
        },
      ),
    );
  });
});

describe('LobbyView', () => {
  const game = {
    game: 'g1',
    type: 'world',
    title: 'One',
    players: 1,
    maxPlayers: 10,
    epoch: 1,
    state: 'running',
  };

  it('tells each change once, the newest of several', () => {
    const view = new LobbyView(10);
    view.setGame('g1', game);
    view.setGame('g1', { ...game, players: 2 });
    view.setRooms([{ room: 'general', title: 'General', kind: 'public' }]);
    expect(view.takeChanges()).toEqual({
      games: [{ ...game, players: 2 }],
      rooms: [{ room: 'general', title: 'General', kind: 'public' }],
      goneGames: [],
      goneRooms: [],
    });
    view.setGame('g1', { ...game, players: 2 });
    view.setRooms([{ room: 'general', title: 'General', kind: 'public' }]);
    expect(view.takeChanges()).toBeUndefined();
  });

  it('tells what is gone, and what came back in between', () => {
    const view = new LobbyView(10);
    view.setGame('g1', game);
    view.setGame('g2', { ...game, game: 'g2' });
    view.takeChanges();
    view.setGame('g1', undefined);
    view.removeGame('g2');
    view.setGame('g2', { ...game, game: 'g2', epoch: 2 });
    view.setRooms([]);
    view.setTypes(['world', 'duel']);
    const changes = view.takeChanges();
    expect(changes).toMatchObject({ goneGames: ['g1'], types: ['duel', 'world'] });
    expect(changes?.games.map((info) => [info.game, info.epoch])).toEqual([['g2', 2]]);
  });

  it('stops listing at its limit', () => {
    const view = new LobbyView(1);
    view.setGame('g1', game);
    view.setGame('g2', { ...game, game: 'g2' });
    expect(view.whole().games).toHaveLength(1);
  });
});
