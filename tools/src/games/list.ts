import type { GameEntry } from '@breakwater/bus';
import { formatTable } from '../text-table.ts';
import type { Operator, ProcessRow } from './operator.ts';

/** Games that are over are left out unless they are asked for. */
const OVER: ReadonlySet<string> = new Set(['ended', 'failed']);

export interface GameList {
  readonly games: readonly GameEntry[];
  /** Null when no matchmaker answers. */
  readonly processes: readonly ProcessRow[] | null;
}

export async function listGames(operator: Operator, isAll: boolean): Promise<GameList> {
  const [games, processes] = await Promise.all([operator.games(), operator.processes()]);
  return {
    games: games.filter(({ state }) => isAll || !OVER.has(state)),
    processes: processes ?? null,
  };
}

const GAME_HEAD = ['game', 'type', 'state', 'players', 'pod', 'node', 'epoch', 'title'] as const;
const PROCESS_HEAD = ['process', 'node', 'games', 'players', 'load', 'tick p99', 'state', 'types'] as const;

/** The list for people. */
export function describeList({ games, processes }: GameList): string {
  const parts = [games.length === 0 ? 'No games.' : formatTable(GAME_HEAD, games.map(gameCells))];
  if (processes === null) parts.push('The matchmaker does not say which processes there are.');
  else if (processes.length === 0) parts.push('No simulation process is alive.');
  else parts.push(formatTable(PROCESS_HEAD, processes.map(processCells)));
  return parts.join('\n\n');
}

function gameCells(entry: GameEntry): readonly string[] {
  const { game, type, schemaVersion, state, players, maxPlayers, pod, node, epoch, title } = entry;
  const why = entry.reason === undefined ? state : `${state} (${entry.reason})`;
  return [
    game,
    `${type}@${schemaVersion}`,
    why,
    `${players}/${maxPlayers}`,
    pod ?? '–',
    node ?? '–',
    String(epoch),
    printable(title),
  ];
}

function processCells(process: ProcessRow): readonly string[] {
  const { pod, node, games, maxGames, players, load, tickP99Ms, isDraining, isCordoned, types } = process;
  const state = isDraining ? 'draining' : isCordoned ? 'cordoned' : 'ready';
  return [
    pod,
    node ?? '–',
    `${games}/${maxGames}`,
    String(players),
    `${Math.round(load * 100)} %`,
    `${tickP99Ms.toFixed(1)} ms`,
    state,
    types.map(({ type, schemaVersion }) => `${type}@${schemaVersion}`).join(' '),
  ];
}

/** A title is a stranger's text: nothing in it may move the cursor. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '·');
}
