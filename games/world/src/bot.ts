import {
  COOLDOWN_TICKS,
  distanceSquared,
  isInReach,
  KINDS,
  MAP,
  MAX_SPEED,
  type ObjectRow,
  type PlayerRow,
  type Point,
  REACH,
  type Velocity,
  velocityToward,
} from './view.ts';

/** What a bot sees: the rows of a replica. */
export interface BotView {
  readonly tick: number;
  readonly players: ReadonlyMap<number, PlayerRow>;
  readonly objects: ReadonlyMap<number, ObjectRow>;
}

export type BotCommand =
  | { readonly name: 'steer'; readonly args: Velocity }
  | { readonly name: 'hit'; readonly args: { readonly object: number } };

/** A bot stops this much inside its reach, so that what it sees a moment late is still true. */
const STOP_WITHIN = REACH - 15;
/** Going on as before is good enough if it leads past the target this closely. */
const COURSE_WIDTH = 20;
/** A direction that the state does not show after this long is sent again. */
const RESEND_TICKS = 20;
/** A target that is not broken after this long is given up. */
const PATIENCE_TICKS = 400;

/**
 * Plays the World: walks to an object that is near for its worth, hits it until somebody has broken it, and wanders
 * when there is none. `random` gives numbers from 0 to below 1; two bots with different ones choose differently.
 */
export class Bot {
  private readonly pid: number;
  private readonly random: () => number;
  private target = 0;
  private targetSinceTick = 0;
  private goal: Point | undefined;
  private nextHitTick = 0;
  private sent: Velocity | undefined;
  private sentAtTick = 0;

  constructor(pid: number, random: () => number) {
    this.pid = pid;
    this.random = random;
  }

  /** The commands to send now; call it after every delta. */
  decide(view: BotView): BotCommand[] {
    const me = view.players.get(this.pid);
    if (me === undefined) return [];
    const object = this.chooseTarget(view, me);
    if (object === undefined) return this.goTo(view, me, this.wander(me));
    this.goal = undefined;
    if (distanceSquared(me, object) > STOP_WITHIN * STOP_WITHIN) return this.goTo(view, me, object);
    return [...this.steer(view, me, { dx: 0, dy: 0 }), ...this.hit(view, me, object)];
  }

  private chooseTarget(view: BotView, me: PlayerRow): ObjectRow | undefined {
    const held = view.objects.get(this.target);
    if (held !== undefined && held.hp > 0 && view.tick - this.targetSinceTick < PATIENCE_TICKS) return held;
    const given = this.target;
    this.target = 0;
    let best = Number.POSITIVE_INFINITY;
    for (const [id, object] of view.objects) {
      if (object.hp === 0 || id === given) continue;
      const cost = this.cost(me, object);
      if (cost >= best) continue;
      best = cost;
      this.target = id;
    }
    this.targetSinceTick = view.tick;
    return view.objects.get(this.target);
  }

  /** Ticks to walk there and break it, for each XP, with some taste. */
  private cost(me: PlayerRow, object: ObjectRow): number {
    const walk = Math.sqrt(distanceSquared(me, object)) / 10;
    const worth = KINDS[object.kind]?.worth ?? 1;
    return ((walk + (object.hp / 10) * COOLDOWN_TICKS) / worth) * (0.7 + 0.6 * this.random());
  }

  private hit(view: BotView, me: PlayerRow, object: ObjectRow): BotCommand[] {
    if (view.tick < this.nextHitTick || !isInReach(me, object)) return [];
    this.nextHitTick = view.tick + COOLDOWN_TICKS;
    return [{ name: 'hit', args: { object: this.target } }];
  }

  private wander(me: PlayerRow): Point {
    if (this.goal === undefined || distanceSquared(me, this.goal) < MAX_SPEED * MAX_SPEED * 4) {
      this.goal = { x: Math.floor(this.random() * MAP.width), y: Math.floor(this.random() * MAP.height) };
    }
    return this.goal;
  }

  private goTo(view: BotView, me: PlayerRow, to: Point): BotCommand[] {
    const sent = this.sent;
    if (sent !== undefined && leadsTo(me, sent, to)) return this.steer(view, me, sent);
    return this.steer(view, me, velocityToward(to.x - me.x, to.y - me.y));
  }

  /** A command only when the direction is a new one, or did not arrive. */
  private steer(view: BotView, me: PlayerRow, to: Velocity): BotCommand[] {
    const { sent } = this;
    const isSent = sent !== undefined && sent.dx === to.dx && sent.dy === to.dy;
    const isShown = me.dx === to.dx && me.dy === to.dy;
    if (isSent && (isShown || view.tick - this.sentAtTick < RESEND_TICKS)) return [];
    this.sent = to;
    this.sentAtTick = view.tick;
    return [{ name: 'steer', args: to }];
  }
}

/** Whether somebody at `from` who goes on with `by` comes close to `to`. */
function leadsTo(from: Point, by: Velocity, to: Point): boolean {
  const x = to.x - from.x;
  const y = to.y - from.y;
  if (by.dx * x + by.dy * y <= 0) return false;
  const speed = Math.sqrt(by.dx * by.dx + by.dy * by.dy);
  return Math.abs(by.dx * y - by.dy * x) <= COURSE_WIDTH * speed;
}
