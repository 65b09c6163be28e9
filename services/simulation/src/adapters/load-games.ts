import { readdir, readFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { GameDefinition } from '@breakwater/game-kit';
import type { GameTypes } from '../domain/game-types.ts';

const PROJECT = fileURLToPath(new URL('../../../../', import.meta.url));

/** A folder that says it is a game and is none. */
export class BrokenGameError extends Error {
  override readonly name = 'BrokenGameError';

  constructor(folder: string, problem: string, options?: ErrorOptions) {
    super(`the game in ${folder} cannot be used: ${problem}`, options);
  }
}

/**
 * Imports every game below `folders`.
 * @throws BrokenGameError for the first one that cannot be used; Error when a folder cannot be read
 */
export async function loadGames(folders: readonly string[]): Promise<GameTypes> {
  const types = new Map<string, GameDefinition>();
  for (const folder of folders) {
    for (const { path, entry } of await findGames(isAbsolute(folder) ? folder : resolve(PROJECT, folder))) {
      const definition = await importGame(path, entry);
      if (types.has(definition.type))
        throw new BrokenGameError(path, `there is a type ${definition.type} already`);
      types.set(definition.type, definition);
    }
  }
  return types;
}

interface FoundGame {
  readonly path: string;
  /** Module that exports `game`, from the folder. */
  readonly entry: string;
}

async function findGames(folder: string): Promise<FoundGame[]> {
  const found: FoundGame[] = [];
  const names = (await readdir(folder, { withFileTypes: true })).filter(
    (each) => each.isDirectory() || each.isSymbolicLink(),
  );
  for (const { name } of names.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, name);
    const entry = await gameEntry(path);
    if (entry !== undefined) found.push({ path, entry });
  }
  return found;
}

async function gameEntry(path: string): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(join(path, 'package.json'), 'utf8');
  } catch {
    return undefined;
  }
  try {
    const { breakwater } = JSON.parse(text) as { breakwater?: { game?: unknown } };
    return typeof breakwater?.game === 'string' ? breakwater.game : undefined;
  } catch (cause) {
    throw new BrokenGameError(path, 'its package.json is not JSON', { cause });
  }
}

async function importGame(path: string, entry: string): Promise<GameDefinition> {
  let module: { game?: unknown };
  try {
    module = (await import(pathToFileURL(resolve(path, entry)).href)) as { game?: unknown };
  } catch (cause) {
    throw new BrokenGameError(path, cause instanceof Error ? cause.message : String(cause), { cause });
  }
  if (!isDefinition(module.game))
    throw new BrokenGameError(path, `${entry} exports no \`game\` made by defineGame`);
  return module.game;
}

function isDefinition(value: unknown): value is GameDefinition {
  if (typeof value !== 'object' || value === null) return false;
  const { type, schema, decodeOptions } = value as Partial<GameDefinition>;
  return typeof type === 'string' && typeof schema === 'object' && typeof decodeOptions === 'function';
}
