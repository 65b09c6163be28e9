/** What the canvas needs to know of the World, kept up to date from the game's committed state. */

import { KINDS, type Kind, type Velocity } from '@breakwater/game-world/view';
import { type Point, TickClock, Track } from './interpolation.ts';
import type { ShownGame } from './shown-game.ts';

/** How long a hit flashes and a break floats, in ms. */
export const HIT_MS = 160;
export const BREAK_MS = 1_400;
const MAX_BREAKS = 60;

export interface WorldPlayer {
  readonly pid: number;
  readonly track: Track;
  name: string;
  isConnected: boolean;
  xp: number;
  position: Point;
  /** In map units a tick. */
  velocity: Velocity;
}

export interface WorldObject {
  readonly id: number;
  kind: Kind;
  position: Point;
  hp: number;
  hitAtMs: number;
}

export interface Break {
  readonly name: string;
  readonly pid: number;
  readonly kind: string;
  readonly xp: number;
  readonly position: Point;
  readonly atMs: number;
}

export class WorldModel {
  readonly players = new Map<number, WorldPlayer>();
  readonly objects = new Map<number, WorldObject>();
  /** Newest last. */
  readonly breaks: Break[] = [];
  readonly clock: TickClock;
  /** Rises with every state that was taken in. */
  version = 0;
  readonly #game: ShownGame;

  constructor(game: ShownGame) {
    this.#game = game;
    this.clock = new TickClock(game.tickHz);
  }

  get ownPid(): number | undefined {
    return this.#game.pid;
  }

  /** Takes the game's state in. `isWhole`: it replaces everything, so nothing in it has just happened. */
  update(nowMs: number, isWhole: boolean): void {
    const { replica } = this.#game;
    this.clock.arrived(replica.tick, nowMs);
    this.#updatePlayers();
    this.#updateObjects(nowMs, isWhole);
    this.version++;
  }

  /** Players by XP, then by name. */
  ranking(): WorldPlayer[] {
    return [...this.players.values()].sort((a, b) => b.xp - a.xp || a.name.localeCompare(b.name));
  }

  #updatePlayers(): void {
    const { replica } = this.#game;
    const timeMs = this.clock.timeOf(replica.tick);
    const present = new Set<number>();
    for (const [pid, row] of replica.table('players').rows) {
      present.add(pid);
      const player = this.players.get(pid) ?? this.#addPlayer(pid);
      player.xp = Number(row.xp);
      player.position = { x: Number(row.x), y: Number(row.y) };
      player.velocity = { dx: Number(row.dx), dy: Number(row.dy) };
      player.track.add(timeMs, player.position.x, player.position.y);
    }
    for (const [pid, row] of replica.table('$players').rows) {
      const player = this.players.get(pid);
      if (player === undefined) continue;
      player.name = String(row.name);
      player.isConnected = row.connected === true;
    }
    for (const pid of this.players.keys()) if (!present.has(pid)) this.players.delete(pid);
  }

  #addPlayer(pid: number): WorldPlayer {
    const still = { position: { x: 0, y: 0 }, velocity: { dx: 0, dy: 0 } };
    const player = { pid, track: new Track(), name: '', isConnected: true, xp: 0, ...still };
    this.players.set(pid, player);
    return player;
  }

  #updateObjects(nowMs: number, isWhole: boolean): void {
    const present = new Set<number>();
    for (const [id, row] of this.#game.replica.table('objects').rows) {
      present.add(id);
      const hp = Number(row.hp);
      const kind = KINDS[Number(row.kind)] ?? KINDS[0]!;
      const position = { x: Number(row.x), y: Number(row.y) };
      const object = this.objects.get(id);
      if (object === undefined) {
        this.objects.set(id, { id, kind, position, hp, hitAtMs: 0 });
        continue;
      }
      if (hp < object.hp && !isWhole) object.hitAtMs = nowMs;
      if (hp === 0 && object.hp > 0 && !isWhole) this.#addBreak(Number(row.brokenBy), object, nowMs);
      Object.assign(object, { kind, position, hp });
    }
    for (const id of this.objects.keys()) if (!present.has(id)) this.objects.delete(id);
  }

  #addBreak(pid: number, object: WorldObject, nowMs: number): void {
    const name = this.players.get(pid)?.name ?? 'Somebody';
    const { kind, position } = object;
    this.breaks.push({ name, pid, kind: kind.name, xp: kind.worth, position, atMs: nowMs });
    if (this.breaks.length > MAX_BREAKS) this.breaks.shift();
  }
}
