import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '@breakwater/testkit';

/** A folder with the World as it may be one day: a version higher, `players` with another column in their midst. */
export interface NextWorld extends AsyncDisposable {
  /** For `BREAKWATER_SIMULATION_GAME_FOLDERS`, and for the checker. */
  readonly games: string;
  /** Today's. */
  readonly oldVersion: number;
}

/** @param migrates whether it takes over games of today's version */
export async function writeNextWorld(migrates: boolean): Promise<NextWorld> {
  const root = await mkdtemp(join(tmpdir(), 'breakwater-next-world-'));
  const games = join(root, 'games');
  const world = join(games, 'world');
  await mkdir(games);
  await cp(join(projectRoot, 'games/world'), world, { recursive: true });
  // As in a repository of one's own: what it imports is found above it.
  await symlink(join(projectRoot, 'node_modules'), join(root, 'node_modules'));
  const index = join(world, 'src/index.ts');
  const text = await readFile(index, 'utf8');
  const oldVersion = Number(/schemaVersion: (\d+),/.exec(text)?.[1]);
  await writeFile(join(world, 'src/old.ts'), text);
  await writeFile(index, nextVersion(text, oldVersion, migrates));
  return {
    games,
    oldVersion,
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

function nextVersion(text: string, oldVersion: number, migrates: boolean): string {
  const changes: [string, string][] = [
    [`schemaVersion: ${oldVersion},`, `schemaVersion: ${oldVersion + 1},`],
    ['columns: { x: u16(), y: u16(), dx', 'columns: { x: u16(), y: u16(), broken: u32(), dx'],
    ['hitter.xp += xp;', 'hitter.xp += xp;\n        hitter.broken += 1;'],
  ];
  if (migrates) {
    changes.push(
      ['export const world', `${OLD_TABLES}export const world`],
      ['  setup(ctx) {', `  migrate: { ${oldVersion}: ${MIGRATION} },\n  setup(ctx) {`],
    );
  }
  return changes.reduce((changed, [from, to]) => {
    if (changed.split(from).length !== 2) throw new Error(`the World does not have "${from}" once`);
    return changed.replace(from, to);
  }, text);
}

const OLD_TABLES = `import { world as old } from './old.ts';
const { players, objects, hits, breaks, cooldowns, regrowth } = old.tables;
`;

/** Whoever has earned something has broken something. */
const MIGRATION = `{
      tables: { players, objects, hits, breaks, cooldowns, regrowth },
      run(ctx, old) {
        for (const player of ctx.tables.players) player.broken = old.players.need(player.id).xp > 0 ? 1 : 0;
      },
    }`;
