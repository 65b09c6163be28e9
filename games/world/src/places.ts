import type { Random } from '@breakwater/game-kit';
import { distanceSquared, KINDS, MAP, type Point } from './view.ts';

/** Objects keep this far from the edge of the map. */
const MARGIN = 40;
const TRIES = 6;

interface ObjectFields {
  kind: number;
  x: number;
  y: number;
  hp: number;
  brokenBy: number;
}

interface Objects {
  insert(values: Partial<ObjectFields>): number;
}

function pickKind(random: Random): number {
  let rest = random.int(1, 100);
  for (const [kind, { share }] of KINDS.entries()) {
    rest -= share;
    if (rest <= 0) return kind;
  }
  return 0;
}

function anyPoint(random: Random): Point {
  return { x: random.int(MARGIN, MAP.width - 1 - MARGIN), y: random.int(MARGIN, MAP.height - 1 - MARGIN) };
}

/** `count` objects over the whole map: each somewhere in a cell of its own, cells in random order. */
export function plantObjects(objects: Objects, count: number, random: Random): void {
  const inner = { width: MAP.width - 2 * MARGIN, height: MAP.height - 2 * MARGIN };
  const columns = Math.max(1, Math.ceil(Math.sqrt((count * inner.width) / inner.height)));
  const rows = Math.max(1, Math.ceil(count / columns));
  const cells = random.shuffle(Array.from({ length: columns * rows }, (_, cell) => cell));
  for (const cell of cells.slice(0, count)) {
    const kind = pickKind(random);
    const x = placeInCell(cell % columns, columns, inner.width, random);
    const y = placeInCell(Math.floor(cell / columns), rows, inner.height, random);
    objects.insert({ kind, x, y, hp: KINDS[kind]!.hp });
  }
}

function placeInCell(cell: number, cells: number, length: number, random: Random): number {
  const from = Math.floor((cell * length) / cells);
  const to = Math.floor(((cell + 1) * length) / cells) - 1;
  const inset = Math.floor((to - from) / 6);
  return MARGIN + random.int(from + inset, Math.max(from + inset, to - inset));
}

/** A broken object comes back whole where it was, perhaps as another kind. */
export function growObject(object: ObjectFields, random: Random): void {
  const kind = pickKind(random);
  object.kind = kind;
  object.hp = KINDS[kind]!.hp;
  object.brokenBy = 0;
}

/** Of a few random places the one farthest from everyone. */
export function spawnPoint(players: Iterable<Point>, random: Random): Point {
  let best = anyPoint(random);
  let bestGap = nearest(players, best);
  for (let i = 1; i < TRIES; i++) {
    const place = anyPoint(random);
    const gap = nearest(players, place);
    if (gap > bestGap) [best, bestGap] = [place, gap];
  }
  return best;
}

function nearest(players: Iterable<Point>, place: Point): number {
  let gap = Number.MAX_SAFE_INTEGER;
  for (const player of players) gap = Math.min(gap, distanceSquared(player, place));
  return gap;
}
