import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  encodeGameRecord,
  encodeLedgerRecord,
  encodeSnapshot,
  type GameRecord,
  gameId,
  gameStream,
  gameStreamName,
  type LedgerRecord,
  ledgerStream,
  snapshotStream,
  subjectsFor,
  userId,
} from '@breakwater/bus';
import { createInstance } from '@breakwater/game-kit';
import { world } from '@breakwater/game-world';
import {
  connectBus,
  createLogOutput,
  kitMetrics,
  MetricRegistry,
  type NatsBus,
} from '@breakwater/service-kit';
import { type NatsServer, readDoc, sectionText, startNats, tableOf } from '@breakwater/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StreamArchive } from '../src/check-logs/archive.ts';
import { openInstallation } from '../src/check-logs/installation.ts';
import type { RecordSource, StoredRecord } from '../src/check-logs/sources.ts';
import { loadDefinitions } from '../src/games/definitions.ts';
import { checkLedger } from '../src/ledger/check-installation.ts';
import { LedgerCheck } from '../src/ledger/check-ledger.ts';
import { type GameAwards, readGameAwards } from '../src/ledger/game-awards.ts';
import { describeLedgerReport, LEDGER_RULES, LedgerFindings } from '../src/ledger/report.ts';

type Awards = LedgerRecord['awards'];

const TYPE = {
  type: 'world',
  schemaVersion: world.schemaVersion,
  details: JSON.stringify({ options: { objects: 20 }, seed: 7 }),
};

/** A World in which ann breaks one thing after the other, as an owner stores it. */
class Game {
  readonly id: string;
  readonly records: GameRecord[] = [];
  /** What was given, in order. */
  readonly awards: Awards[number][] = [];
  readonly snapshots: StoredRecord[] = [];
  readonly #instance = createInstance(world, { seed: 7, options: { objects: 20 } });
  #hits = 0;

  constructor(id: string) {
    this.id = id;
    this.#store({ kind: 'claim', pod: 'sim', ...TYPE });
    this.#instance.join({ user: 'ann', name: 'Ann', join: 1 });
    this.delta();
  }

  breakOne(): void {
    const object = [...this.#instance.tables.objects].find(({ hp }) => hp > 0)!;
    const player = this.#instance.tables.players.need(1);
    player.x = object.x;
    player.y = object.y;
    while (object.hp > 0) {
      for (let ticks = 0; ticks < 6; ticks++) this.#instance.step();
      expect(this.#instance.command(1, ++this.#hits, 'hit', { object: object.id })).toBe('applied');
    }
    const given = this.#instance.nameAwards(1, this.records.length);
    expect(given).toHaveLength(1);
    for (const { epoch, n, index, amount } of given) this.awards.push({ epoch, n, index, amount });
    this.delta();
  }

  /** All awards leave the outbox. */
  post(): void {
    for (const award of this.#instance.awards()) this.#instance.takeAward(award);
    this.delta();
  }

  delta(): void {
    const { tick, ...parts } = this.#instance.encodeDelta();
    this.#store({ kind: 'delta', tick, parts });
  }

  end(): void {
    this.#store({ kind: 'end', reason: 'over' });
  }

  /** Of the state after the last record. */
  snapshot(): void {
    const { epoch, nonce, n } = this.records.at(-1)!;
    const { tick, ...parts } = this.#instance.encodeState();
    const place = { epoch, nonce, n, logSeq: this.records.length, tick, hash: this.#instance.hash() };
    this.snapshots.push({
      seq: this.snapshots.length + 1,
      data: encodeSnapshot({ ...TYPE, ...place, parts }),
    });
  }

  stored(): StoredRecord[] {
    return this.records.map((record, index) => ({ seq: index + 1, data: encodeGameRecord(record) }));
  }

  #store(record: { kind: 'claim' | 'delta' | 'end' } & Record<string, unknown>): void {
    this.records.push({ epoch: 1, nonce: this.id, n: this.records.length, ...record } as GameRecord);
  }
}

const sum = (awards: Awards): number => awards.reduce((total, { amount }) => total + amount, 0);

/** The ledger that honest owners write: one record an award. */
function honestLedger(games: readonly Game[]): LedgerRecord[] {
  const records: LedgerRecord[] = [];
  const covered = new Map<string, LedgerRecord['covered'][number]>();
  let total = 0;
  for (const game of games) {
    for (const award of game.awards) {
      const { epoch, n, index } = award;
      total += award.amount;
      covered.delete(game.id);
      covered.set(game.id, { game: game.id, epoch, n, index });
      records.push({ total, game: game.id, awards: [award], covered: [...covered.values()] });
    }
  }
  return records;
}

/** Two games, two awards each, all of them posted. */
function twoGames(): readonly [Game, Game] {
  return ['g1', 'g2'].map((id) => {
    const game = new Game(id);
    for (let round = 0; round < 2; round++) game.breakOne();
    game.post();
    return game;
  }) as unknown as readonly [Game, Game];
}

async function check(
  games: readonly Game[],
  ledger: readonly LedgerRecord[],
  { user = 'ann', logFrom = 0 } = {},
) {
  const definitions = await loadDefinitions();
  const findings = new LedgerFindings(20);
  const known = new Map<string, GameAwards>();
  for (const game of games) {
    const source: RecordSource = {
      room: () => toAsync([]),
      game: () => toAsync(game.stored().slice(logFrom)),
      snapshots: () => toAsync(game.snapshots),
      firstOfGame: async () => undefined,
    };
    const awards = await readGameAwards(game.id, source, definitions);
    if (typeof awards === 'string') findings.skipped(awards);
    else known.set(game.id, awards);
  }
  const ledgerCheck = new LedgerCheck(known, async () => false, findings);
  for (const [index, record] of ledger.entries())
    await ledgerCheck.take({ user, seq: index + 1, data: encodeLedgerRecord(record) });
  ledgerCheck.finish();
  return findings.report();
}

async function* toAsync<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

describe('what is checked', () => {
  test('an honest ledger holds every rule, and every award is found in the logs', async () => {
    const games = twoGames();
    const report = await check(games, honestLedger(games));
    expect(report.violations).toEqual([]);
    expect(report.checked).toMatchObject({ users: 1, 'ledger records': 4, 'awards found in the logs': 4 });
    expect(report.checked.XP).toBe(sum(games.flatMap(({ awards }) => awards)));
    expect(report.skipped).toEqual({});
  });

  test.each<[keyof typeof LEDGER_RULES, string, (honest: LedgerRecord[]) => readonly LedgerRecord[]]>([
    ['chain', 'a total that is too high', (all) => all.with(2, { ...all[2]!, total: all[2]!.total + 1 })],
    ['chain', 'a record that is gone from the middle', (all) => all.toSpliced(1, 1)],
    ['once', 'an award that is counted again', (all) => [...all, again(all, all[1]!)]],
    [
      'listed',
      'a game that is left out while it goes on',
      (all) => [...all.slice(0, 3), { ...all[3]!, covered: all[3]!.covered.slice(1) }],
    ],
    ['earned', 'an amount that is not that of the log', (all) => raised(all)],
    ['earned', 'an award that no log gave', (all) => [...all, invented(all)]],
    ['kept', 'an award that never came', (all) => all.slice(0, 3)],
  ])('%s: %s is found', async (rule, _, doctor) => {
    const games = twoGames();
    const report = await check(games, doctor(honestLedger(games)));
    expect(report.ok).toBe(false);
    expect(Object.keys(report.counts)).toContain(rule);
    expect(describeLedgerReport(report)).toContain(`✗ ${rule}`);
  });

  function again(all: readonly LedgerRecord[], record: LedgerRecord): LedgerRecord {
    const last = all.at(-1)!;
    return { ...record, total: last.total + sum(record.awards), covered: last.covered };
  }

  /** Everything from the last record's award on is one XP more. */
  function raised(all: readonly LedgerRecord[]): readonly LedgerRecord[] {
    const last = all.at(-1)!;
    const awards = last.awards.map((award) => ({ ...award, amount: award.amount + 1 }));
    return [...all.slice(0, -1), { ...last, total: last.total + 1, awards }];
  }

  function invented(all: readonly LedgerRecord[]): LedgerRecord {
    const last = all.at(-1)!;
    const place = { epoch: 1, n: last.awards[0]!.n, index: 5 };
    const covered = last.covered.map((entry) => (entry.game === last.game ? { ...entry, ...place } : entry));
    return { ...last, total: last.total + 3, awards: [{ ...place, amount: 3 }], covered };
  }

  test('earned: an award in the ledger of another user is found', async () => {
    const games = twoGames();
    const report = await check(games, honestLedger(games), { user: 'bob' });
    expect(report.counts).toMatchObject({ earned: 4 });
  });

  test('an award that waits in an outbox may be counted already or not', async () => {
    const game = new Game('g1');
    game.breakOne();
    for (const ledger of [[], honestLedger([game])]) {
      const report = await check([game], ledger);
      expect(report.violations).toEqual([]);
      expect(report.checked).toMatchObject({ 'awards that wait in an outbox': 1 });
    }
  });

  test('a trimmed ledger and a purged log are said as such, and what is left is compared', async () => {
    const games = twoGames();
    const trimmed = await check(games, honestLedger(games).slice(2));
    expect(trimmed.violations).toEqual([]);
    expect(trimmed.skipped).toEqual({
      'users whose oldest records are trimmed': 1,
      'awards in the trimmed part of a ledger': 2,
    });
    const purged = await check(games, honestLedger(games), { logFrom: 2 });
    expect(purged.violations).toEqual([]);
    expect(purged.skipped).toEqual({
      'games that cannot be replayed here': 2,
      'awards of games whose logs are gone': 4,
    });
  });

  test('behind a record that does not fit, what follows the next snapshot is compared', async () => {
    const game = new Game('g1');
    game.breakOne();
    game.post();
    const faulty = game.records.at(-1)!;
    if (faulty.kind === 'delta') game.records[faulty.n] = { ...faulty, hash: 1 };
    game.delta();
    game.snapshot();
    game.breakOne();
    game.post();

    const honest = await check([game], honestLedger([game]));
    expect(honest.violations).toEqual([]);
    expect(honest.checked).toMatchObject({ 'awards found in the logs': 1 });
    expect(honest.skipped).toEqual({ 'awards whose records are purged, do not fit or came later': 1 });
    const lost = await check([game], honestLedger([game]).slice(0, 1));
    expect(lost.counts).toEqual({ kept: 1 });

    game.records.push({ ...faulty, n: game.records.length });
    expect((await check([game], honestLedger([game]))).skipped).toMatchObject({
      'games with a record that does not fit (see "games replay")': 1,
    });
  });

  test('a game may be left out after its end', async () => {
    const games = twoGames();
    games[0].end();
    const honest = honestLedger(games);
    const last = honest[3]!;
    const report = await check(games, [...honest.slice(0, 3), { ...last, covered: last.covered.slice(1) }]);
    expect(report.violations).toEqual([]);
  });
});

test('the rules are those of docs/checker.md', () => {
  const rows = tableOf(sectionText(readDoc('checker.md'), 'Ledgers'));
  expect(rows.map(([rule, sentence]) => [rule?.replaceAll('`', ''), sentence])).toEqual(
    Object.entries(LEDGER_RULES),
  );
});

describe('over real streams', () => {
  const PARTITIONS = 2;
  const subjects = subjectsFor(PARTITIONS);
  let nats: NatsServer;
  let bus: NatsBus;

  beforeAll(async () => {
    nats = await startNats();
    const { log } = createLogOutput({ service: 'test', instance: 'test', level: 'silent' });
    const metrics = new MetricRegistry().register(kitMetrics);
    bus = await connectBus({ servers: [nats.url], name: 'test', log, metrics });
    const limits = { replicas: 1, maxBytes: 4_194_304 };
    for (let partition = 0; partition < PARTITIONS; partition++) {
      await bus.ensureStream(gameStream(partition, { ...limits, maxRecordsPerGame: 1_000 }));
      await bus.ensureStream(snapshotStream(partition, { ...limits, maxSnapshotsPerGame: 2 }));
      await bus.ensureStream(ledgerStream(partition, { ...limits, maxRecordsPerUser: 10 }));
    }
  });
  afterAll(async () => {
    await bus?.drain();
    await nats?.stop();
  });

  test('every ledger and every log is read, purged ones from their copies, and a doctored record is found', async () => {
    const games = twoGames();
    for (const game of games)
      for (const { data } of game.stored()) await bus.commit(subjects.gameLog(gameId(game.id)), data);
    const honest = honestLedger(games);
    for (const record of honest) await bus.commit(subjects.ledger(userId('ann')), encodeLedgerRecord(record));
    const honestReport = await checkLedger({ nats: nats.url, partitions: PARTITIONS });
    expect(honestReport).toMatchObject({ ok: true, skipped: {} });
    expect(honestReport.checked).toMatchObject({ games: 2, users: 1, 'awards found in the logs': 4 });

    const folder = mkdtempSync(join(tmpdir(), 'breakwater-ledger-'));
    const file = join(folder, 'games.archive');
    await (await StreamArchive.start({ nats: nats.url, partitions: PARTITIONS, file })).close();
    const installation = await openInstallation({ nats: nats.url, partitions: PARTITIONS });
    for (const game of games)
      await installation.jsm.streams.purge(gameStreamName(gameId(game.id), PARTITIONS), {
        filter: subjects.gameLog(gameId(game.id)),
        keep: 1,
      });
    await installation.nc.close();
    const purged = await checkLedger({ nats: nats.url, partitions: PARTITIONS });
    expect(purged.skipped).toMatchObject({ 'awards of games whose logs are gone': 4 });
    const copied = await checkLedger({ nats: nats.url, partitions: PARTITIONS, archives: [folder] });
    expect(copied).toMatchObject({ ok: true, skipped: {}, checked: { 'awards found in the logs': 4 } });
    rmSync(folder, { recursive: true });

    const twice = { ...honest[3]!, total: honest[3]!.total + sum(honest[3]!.awards) };
    await bus.commit(subjects.ledger(userId('ann')), encodeLedgerRecord(twice));
    const report = await checkLedger({ nats: nats.url, partitions: PARTITIONS });
    expect(report).toMatchObject({ ok: false, counts: { once: 2 } });
  });
});
