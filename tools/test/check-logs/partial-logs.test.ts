import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gameId, gameStreamName, subjectsFor } from '@breakwater/bus';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { StreamArchive } from '../../src/check-logs/archive.ts';
import { checkLogs, checkTraces } from '../../src/check-logs/check-logs.ts';
import { ClientLogError, readClientLog } from '../../src/check-logs/client-log.ts';
import { NatsSource } from '../../src/check-logs/nats-source.ts';
import { comparedShare, Findings } from '../../src/check-logs/report.ts';
import type { RecordSource } from '../../src/check-logs/sources.ts';
import { loadDefinitions } from '../../src/games/definitions.ts';
import type { LogLineOf } from '../../src/recorder/log-line.ts';
import { HonestRun, PARTITIONS } from './honest-run.ts';
import { LogsBed } from './logs-bed.ts';

let bed: LogsBed;
let root: string;
let folders = 0;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'breakwater-logs-'));
  bed = await LogsBed.start();
});

afterAll(async () => {
  await bed?.[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

function folder(): string {
  const dir = join(root, String(++folders));
  mkdirSync(dir);
  return dir;
}

function check(run: HonestRun, games?: string) {
  const dir = folder();
  run.write(dir);
  return checkLogs({ paths: [dir], nats: bed.url, partitions: PARTITIONS, games });
}

/** Purges the log below the snapshot of the run, as its owner does. */
async function purge(run: HonestRun): Promise<number> {
  const game = gameId(run.game);
  const subject = subjectsFor(PARTITIONS).gameLog(game);
  const stream = gameStreamName(game, PARTITIONS);
  const { messages } = await bed.bus.readSubject(stream, subject, {
    fromSeq: 1,
    limit: 1_000,
    maxBytes: 1e8,
  });
  const snapshotAt = messages[61]!.seq;
  await bed.bus.purgeSubject(stream, subject, { belowSeq: snapshotAt });
  return snapshotAt;
}

test('a purged log is replayed from its snapshot, and what lies below is counted as not checked', async () => {
  const run = await HonestRun.make(bed.bus, 'purged');
  const snapshotAt = await purge(run);

  const report = await check(run);
  expect(report.violations).toEqual([]);
  expect(report.skipped['states below the first record of their log']).toBeGreaterThan(50);
  expect(report.checked['shown states']).toBeGreaterThan(150);
  expect(comparedShare(report)).toBeLessThan(0.85);

  const lines = run.lines('ann');
  const above = lines.findIndex((line) => line.t === 'game.delta' && line.seq > snapshotAt + 20);
  lines[above] = { ...(lines[above] as LogLineOf<'game.delta'>), shared: '00000000' };
  expect((await check(run)).counts).toEqual({ shown_committed: 1 });
});

test('a log that its owner purges while it is read is read again: the hole is none', async () => {
  const run = await HonestRun.make(bed.bus, 'purged-meanwhile');
  const dir = folder();
  run.write(dir);
  const clients = [];
  for (const user of ['ann', 'bob'])
    clients.push(
      await readClientLog(join(dir, `${user}.jsonl`), { maxLines: 10_000, maxLineLength: 65_536 }),
    );
  await using streams = await NatsSource.open({ nats: bed.url, partitions: PARTITIONS });
  let snapshotAt = 0;
  async function* purgedMeanwhile(game: string) {
    let index = 0;
    for await (const record of streams.game(game)) {
      index += 1;
      if (index === 10 && snapshotAt === 0) snapshotAt = await purge(run);
      else if (snapshotAt > 0 && record.seq < snapshotAt) continue;
      yield record;
    }
  }
  const source: RecordSource = {
    room: (room) => streams.room(room),
    game: purgedMeanwhile,
    snapshots: (game) => streams.snapshots(game),
    firstOfGame: (game) => streams.firstOfGame(game),
  };
  const report = await checkTraces(clients, source, await loadDefinitions(), {}, new Findings(20));
  expect(snapshotAt).toBeGreaterThan(0);
  expect(report.violations).toEqual([]);
  expect(report.checked['shown states']).toBeGreaterThan(150);
});

test('with an archive of the streams nothing of a purged log goes unchecked', async () => {
  const dir = folder();
  const file = join(dir, 'games.archive');
  const archive = await StreamArchive.start({ nats: bed.url, partitions: PARTITIONS, file });
  const run = await HonestRun.make(bed.bus, 'archived');
  await archive.close();
  await purge(run);
  run.write(dir);
  const options = { paths: [dir], nats: bed.url, partitions: PARTITIONS };

  const report = await checkLogs(options);
  expect(report.violations).toEqual([]);
  expect(report.skipped).toEqual({});
  expect(report.checked['game records']).toBe(163);

  const lines = run.lines('ann');
  const early = lines.findIndex((line) => line.t === 'game.delta');
  lines[early] = { ...(lines[early] as LogLineOf<'game.delta'>), shared: '00000000' };
  run.write(dir);
  expect((await checkLogs(options)).counts).toEqual({ shown_committed: 1 });

  const archived = readFileSync(file, 'utf8').split('\n');
  const last = archived.findLastIndex((line) => line.includes(`"${run.game}"`));
  archived[last] = archived[last]!.replace(/"data":"..../, '"data":"AAAA');
  writeFileSync(file, archived.join('\n'));
  expect((await checkLogs(options)).counts).toEqual({ shown_committed: 1, replay: 1 });
});

test('records that were purged before they were copied are no hole in the log', async () => {
  const dir = folder();
  const file = join(dir, 'games.archive');
  const archive = await StreamArchive.start({ nats: bed.url, partitions: PARTITIONS, file });
  const run = await HonestRun.make(bed.bus, 'missed');
  await archive.close();
  const snapshotAt = await purge(run);
  run.write(dir);
  const options = { paths: [dir], nats: bed.url, partitions: PARTITIONS };

  // As a copy that fell behind for a while would have written it.
  const isCopied = (line: string) => {
    const { game, seq } = JSON.parse(line) as { game: string; seq: number };
    return game !== run.game || seq <= snapshotAt - 40 || seq > snapshotAt - 20;
  };
  const lines = readFileSync(file, 'utf8').trim().split('\n').filter(isCopied);
  const late = lines.map((line) => {
    const { game, seq, ...rest } = JSON.parse(line) as { game: string; seq: number; jumps: number };
    const jumps = rest.jumps + (seq > snapshotAt - 20 ? 1 : 0);
    return JSON.stringify({ game, seq, ...rest, jumps });
  });
  writeFileSync(file, `${late.join('\n')}\n`);
  const report = await checkLogs(options);
  expect(report.violations).toEqual([]);
  expect(report.skipped['archives of games whose records were purged before they were copied']).toBe(1);
  expect(report.skipped['states in a hole of the copied log']).toBeGreaterThan(10);
  expect(report.checked['shown states']).toBeGreaterThan(150);
  // What lies before the hole is compared as well: only the twenty records in it are not, nor what leads to a snapshot.
  expect(report.skipped['states below the first record of their log']).toBeUndefined();
  expect(comparedShare(report)).toBeGreaterThan(0.6);

  writeFileSync(file, `${lines.join('\n')}\n`);
  expect(Object.keys((await checkLogs(options)).counts)).toContain('one_owner');
});

test('an archive that ends too early is used up to its end, and one does not stand in for a lost log', async () => {
  const dir = folder();
  const file = join(dir, 'games.archive');
  const archive = await StreamArchive.start({ nats: bed.url, partitions: PARTITIONS, file });
  const run = await HonestRun.make(bed.bus, 'early');
  await archive.close();
  run.write(dir);
  const options = { paths: [dir], nats: bed.url, partitions: PARTITIONS };
  const snapshotAt = await purge(run);

  const whole = readFileSync(file, 'utf8').split('\n');
  const early = whole.filter((line) => line !== '' && JSON.parse(line).seq < snapshotAt - 5);
  writeFileSync(file, early.map((line) => `${line}\n`).join(''));
  const report = await checkLogs(options);
  expect(report.violations).toEqual([]);
  expect(report.skipped['archives of games that end before the log begins']).toBe(1);
  expect(report.skipped['states in a hole of the copied log']).toBeGreaterThan(0);
  expect(comparedShare(report)).toBeGreaterThan(0.9);

  const lines = run.lines('ann');
  const first = lines.findIndex((line) => line.t === 'game.delta');
  const honestLine = lines[first] as LogLineOf<'game.delta'>;
  lines[first] = { ...honestLine, shared: '00000000' };
  run.write(dir);
  expect((await checkLogs(options)).counts).toEqual({ shown_committed: 1 });
  lines[first] = honestLine;
  run.write(dir);

  writeFileSync(file, whole.join('\n'));
  const game = gameId(run.game);
  const subject = subjectsFor(PARTITIONS).gameLog(game);
  await bed.bus.purgeSubject(gameStreamName(game, PARTITIONS), subject, { keep: 0 });
  expect((await checkLogs(options)).counts.shown_committed).toBeGreaterThan(200);
});

test('of a game whose type is not here the places are checked, and the rows are not', async () => {
  const run = await HonestRun.make(bed.bus, 'foreign');
  const report = await check(run, folder());
  expect(report.ok).toBe(true);
  expect(report.skipped['game whose type world@1 is not here']).toBe(1);
  expect(report.skipped['contents of shown states whose log cannot be replayed']).toBeGreaterThan(200);
  expect(report.checked['places of shown states']).toBeGreaterThan(200);
  expect(report.checked['shown states']).toBeUndefined();
  expect(comparedShare(report)).toBe(0);

  const lines = run.lines('ann');
  const last = lines.findLastIndex((line) => line.t === 'game.delta');
  const delta = lines[last] as LogLineOf<'game.delta'>;
  lines.splice(last + 1, 0, { ...delta, seq: delta.seq + 1_000 });
  expect((await check(run, folder())).counts).toEqual({ shown_committed: 1 });
});

test('a game that was shown and has no log at all breaks shown_committed', async () => {
  const run = await HonestRun.make(bed.bus, 'lost');
  const game = gameId(run.game);
  const subject = subjectsFor(PARTITIONS).gameLog(game);
  await bed.bus.purgeSubject(gameStreamName(game, PARTITIONS), subject, { keep: 0 });
  const report = await check(run);
  expect(report.counts.shown_committed).toBeGreaterThan(200);
  expect(report.violations.length).toBeLessThanOrEqual(40);
});

test('what is no client log is refused with its place', async () => {
  const client = '{"t":"client","v":1,"user":"ann","at":1}\n';
  const bad: [string, RegExp][] = [
    ['', /is empty/],
    ['{"t":"end","at":1}\n', /:1: the first line/],
    [`${client}nonsense\n`, /:2: is not JSON/],
    [`${client}{"t":"party","at":1}\n`, /:2: t: is not known/],
    [`${client}{"t":"room.ack","room":"a b","msg":"m","seq":1,"at":1}\n`, /:2: room: must be/],
    [`${client}{"t":"room.message","room":"a","seq":1}\n`, /:2: stamp/],
    [`${client}{"t":"room.leave","room":"a","at":1}\n`, /:2: room a was not joined/],
    [`${client}${client}`, /:2: a second line of type "client"/],
    ['{"t":"client","v":2,"user":"ann","at":1}\n', /:1: v: must be 1/],
  ];
  for (const [text, sentence] of bad) {
    const dir = folder();
    writeFileSync(join(dir, 'ann.jsonl'), text);
    const checked = checkLogs({ paths: [dir], nats: bed.url, partitions: PARTITIONS });
    await expect(checked, text).rejects.toThrow(sentence);
    await expect(checked, text).rejects.toBeInstanceOf(ClientLogError);
  }
  await expect(checkLogs({ paths: [folder()], nats: bed.url })).rejects.toThrow(/no .jsonl files/);
});

test('a NATS without an installation is refused, unless the partitions are given', async () => {
  const dir = folder();
  writeFileSync(join(dir, 'ann.jsonl'), '{"t":"client","v":1,"user":"ann","at":1}\n');
  await expect(checkLogs({ paths: [dir], nats: bed.url })).rejects.toThrow(/no installation/);
  const report = await checkLogs({ paths: [dir], nats: bed.url, partitions: PARTITIONS });
  expect(report).toMatchObject({ ok: true, checked: { clients: 1 } });
});
