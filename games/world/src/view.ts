import type { RowsOf } from '@breakwater/game-kit/replica';
import type { world } from './index.ts';

/** The World's tables as a client holds them: `Replica<WorldRows>`. */
export type WorldRows = RowsOf<typeof world>;
export type PlayerRow = WorldRows['players'];
export type ObjectRow = WorldRows['objects'];

/** A place on the map, in whole units. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where to go, in units a tick; at most `MAX_SPEED` long. */
export interface Velocity {
  readonly dx: number;
  readonly dy: number;
}

export const TICK_HZ = 20;
/** Units; players and objects lie at 0 to width - 1 and 0 to height - 1. */
export const MAP = { width: 2000, height: 1200 } as const;
/** Units a tick: 200 a second. */
export const MAX_SPEED = 10;
/** How far from its middle an object can be hit. */
export const REACH = 60;
/** Ticks between two hits of one player. */
export const COOLDOWN_TICKS = 6;
/** Hit points that a hit takes. */
export const DAMAGE = 10;

export interface Kind {
  readonly name: string;
  /** Hit points when whole. */
  readonly hp: number;
  /** XP for the one who breaks it. */
  readonly worth: number;
  readonly radius: number;
  /** How many of a hundred objects are of this kind. */
  readonly share: number;
}

/** By the `kind` of an object. */
export const KINDS: readonly Kind[] = [
  { name: 'crate', hp: 30, worth: 5, radius: 14, share: 60 },
  { name: 'rock', hp: 80, worth: 20, radius: 20, share: 30 },
  { name: 'crystal', hp: 150, worth: 60, radius: 17, share: 10 },
];

/** Why a command was rejected, in words for a player; other codes are the kit's. */
export const REASONS: { readonly [code: string]: string } = {
  too_fast: 'Nobody runs that fast.',
  no_such_object: 'There is no such object.',
  broken: 'Somebody was faster.',
  out_of_reach: 'Too far away.',
  cooling_down: 'Not so fast.',
};

function clamp(value: number, max: number): number {
  return Math.min(max, Math.max(0, value));
}

/** Where a player stands one tick later. The rules use it, and so may a client that predicts its own player. */
export function moveStep({ x, y }: Point, { dx, dy }: Velocity): Point {
  return { x: clamp(x + dx, MAP.width - 1), y: clamp(y + dy, MAP.height - 1) };
}

export function isVelocity({ dx, dy }: Velocity): boolean {
  return dx * dx + dy * dy <= MAX_SPEED * MAX_SPEED;
}

export function distanceSquared(a: Point, b: Point): number {
  return (a.x - b.x) ** 2 + (a.y - b.y) ** 2;
}

export function isInReach(player: Point, object: Point): boolean {
  return distanceSquared(player, object) <= REACH * REACH;
}

/**
 * A velocity that `steer` takes, in the direction of (x, y) from the origin: full speed, or less when the end is
 * nearer than one step. Good for keys (-1, 0, 1), a joystick and a pointer alike, if `x` and `y` are units.
 */
export function velocityToward(x: number, y: number): Velocity {
  const length = Math.sqrt(x * x + y * y);
  if (length <= MAX_SPEED) return { dx: Math.trunc(x) + 0, dy: Math.trunc(y) + 0 };
  return { dx: Math.trunc((x * MAX_SPEED) / length) + 0, dy: Math.trunc((y * MAX_SPEED) / length) + 0 };
}

/** The velocity for held keys: each of -1, 0, 1. */
export function velocityFromKeys(x: number, y: number): Velocity {
  return velocityToward(x * MAP.width, y * MAP.width);
}
