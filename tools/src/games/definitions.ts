import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { GameDefinition } from '@breakwater/game-kit';
import { projectRoot } from '@breakwater/testkit';

/** Game types by name. */
export type Definitions = ReadonlyMap<string, GameDefinition>;

/** A version of a type: the one that is here, or an older one whose games it takes over. */
export function definitionOf(
  definitions: Definitions,
  type: string,
  schemaVersion: number,
): GameDefinition | undefined {
  const definition = definitions.get(type);
  return definition?.schemaVersion === schemaVersion
    ? definition
    : definition?.migrations.get(schemaVersion)?.from;
}

/**
 * Loads the game types of a folder: each sub-folder whose `package.json` names a module under `breakwater.game`.
 *
 * @throws Error when such a module exports no `game`
 */
export async function loadDefinitions(folder = join(projectRoot, 'games')): Promise<Definitions> {
  const definitions = new Map<string, GameDefinition>();
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  for (const name of names) {
    const entry = entryOf(join(folder, name));
    if (entry === undefined) continue;
    const definition = await readGame(entry);
    definitions.set(definition.type, definition);
  }
  return definitions;
}

function entryOf(folder: string): string | undefined {
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest)) return undefined;
  const { breakwater } = JSON.parse(readFileSync(manifest, 'utf8')) as { breakwater?: { game?: unknown } };
  return typeof breakwater?.game === 'string' ? join(folder, breakwater.game) : undefined;
}

async function readGame(file: string): Promise<GameDefinition> {
  const module: unknown = await import(pathToFileURL(file).href);
  const game: unknown =
    typeof module === 'object' && module !== null ? Reflect.get(module, 'game') : undefined;
  if (typeof game !== 'object' || game === null || typeof Reflect.get(game, 'type') !== 'string')
    throw new Error(`${file} exports no game`);
  return game as GameDefinition;
}
