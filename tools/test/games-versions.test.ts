import { join } from 'node:path';
import { encodeGameRecord, type GameRecord } from '@breakwater/bus';
import {
  createInstance,
  type GameDefinition,
  type GameInstance,
  hydrate,
  migrateInstance,
} from '@breakwater/game-kit';
import { projectRoot } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { Findings } from '../src/check-logs/report.ts';
import { checkGame } from '../src/check-logs/rules/games.ts';
import type { RecordSource } from '../src/check-logs/sources.ts';
import { type Definitions, loadDefinitions } from '../src/games/definitions.ts';
import { recordGame } from '../src/games/recording.ts';
import { replayLog } from '../src/games/replay-log.ts';

const versions = (name: string) => loadDefinitions(join(projectRoot, 'test/versions', name));
const DETAILS = { options: {}, seed: 4 };

/** The log of a tally that was given its next version after ten records. */
async function migratedLog(): Promise<GameRecord[]> {
  const records: GameRecord[] = [];
  const claim = (epoch: number, schemaVersion: number) => {
    const details = JSON.stringify(DETAILS);
    records.push({
      kind: 'claim',
      epoch,
      nonce: `n${epoch}`,
      n: 0,
      pod: 'p',
      type: 'tally',
      schemaVersion,
      details,
    });
  };
  const play = (instance: GameInstance, epoch: number, isWhole: boolean) => {
    for (let n = 1; n <= 10; n++) {
      instance.step();
      instance.command(1, (instance.ackOf(1) ?? 0) + 1, 'add', {});
      const whole = isWhole && n === 1 ? ({ isWhole: true } as const) : {};
      const parts = instance.encodeDelta();
      const head = { kind: 'delta', epoch, nonce: `n${epoch}`, n, tick: parts.tick } as const;
      records.push({ ...head, hash: instance.hash(), ...whole, parts });
    }
  };
  const first = (await versions('old')).get('tally') as GameDefinition;
  const second = (await versions('new')).get('tally') as GameDefinition;
  const older = createInstance(first, DETAILS);
  older.join({ user: 'ann', name: 'Ann', join: 1 });
  claim(1, 1);
  play(older, 1, false);
  // A claim that stored nothing changes no version.
  claim(2, 2);
  claim(3, 1);
  play(older, 3, false);
  claim(4, 2);
  const state = hydrate(second.migrations.get(1)!.from, older.encodeState(), DETAILS);
  play(migrateInstance(second, state, DETAILS) as GameInstance, 4, true);
  return records;
}

function sourceOf(records: readonly GameRecord[]): RecordSource {
  return {
    async *room() {},
    async *snapshots() {},
    firstOfGame: async () => undefined,
    async *game() {
      for (const [index, record] of records.entries())
        yield { seq: index + 1, data: encodeGameRecord(record), timeMs: undefined };
    },
  };
}

async function findingsOf(records: readonly GameRecord[], definitions: Definitions) {
  const findings = new Findings(10);
  await checkGame(
    'g',
    sourceOf(records),
    [],
    definitions,
    { tailMs: 0, maxGapMs: 0, warnGapMs: 5_000, volatileLossMs: 1_000 },
    findings,
  );
  return findings.report();
}

test('38: a log over two versions is replayed with every hash by tools that have the newer one', async () => {
  const records = await migratedLog();
  const report = await replayLog('g', sourceOf(records), await versions('new'));
  expect(report).toMatchObject({ ok: true, problems: [] });
  expect(report.runs).toMatchObject([{ hashes: 30, lastTick: 30, fault: undefined }]);
  const checked = await findingsOf(records, await versions('new'));
  expect(checked.violations).toEqual([]);
  const recording = await recordGame('g', sourceOf(records), await versions('new'));
  expect(recording.frames).toHaveLength(20);
  expect(recording.end).toBe('It goes on in version 2.');
});

test('38: a record of the newer version that was changed is named, and without the newer version its claim', async () => {
  const records = await migratedLog();
  const at = records.length - 3;
  const bad = records.map((record, index) =>
    index === at && record.kind === 'delta' ? { ...record, hash: (record.hash! ^ 1) >>> 0 } : record,
  );
  const report = await replayLog('g', sourceOf(bad), await versions('new'));
  expect(report.runs[0]?.fault?.seq).toBe(at + 1);
  expect((await findingsOf(bad, await versions('new'))).violations).toHaveLength(1);
  const old = await replayLog('g', sourceOf(records), await versions('old'));
  expect(old.runs[0]?.fault?.text).toBe('goes on as tally@2, which is not here');
});
