import { type BufferRule, BufferScaler, type ScaledProcess } from '../../src/domain/autoscaler.ts';

const PASS_MS = 250;
/** Passes until a new or crashed pod's process is heard, and until a deleted one is gone. */
const START_PASSES = 2;
const STOP_PASSES = 2;

interface WorldPod {
  readonly name: string;
  games: number;
  /** Passes until it is heard. */
  startsIn: number;
  /** Passes until it is gone, once it was deleted. */
  stopsIn: number | undefined;
  isCordoned: boolean;
  isRetired: boolean;
}

/** A Deployment, its pods and their games, with a matchmaker that packs; time goes by in passes of the leader. */
export class ScaledWorld {
  readonly #rule: BufferRule;
  readonly #slotsEach: number;
  #scaler: BufferScaler;
  #pods: WorldPod[] = [];
  #made = 0;
  #nowMs = 0;
  replicas: number;
  /** What the controllers saw last: they are a pass behind. */
  #observed: number;
  scaledAwayWithGames = 0;

  constructor(rule: BufferRule, slotsEach: number) {
    this.#rule = rule;
    this.#slotsEach = slotsEach;
    this.#scaler = new BufferScaler(rule);
    this.replicas = rule.maxReplicas;
    this.#observed = rule.maxReplicas;
  }

  /** Nothing but what the pods say is known to the next one. */
  changeLeader(): void {
    this.#scaler = new BufferScaler(this.#rule);
  }

  load(created: number, ended: number): void {
    for (let n = 0; n < created; n++) {
      const place = this.#open().sort((a, b) => b.games - a.games)[0];
      if (place !== undefined) place.games += 1;
    }
    for (let n = 0; n < ended; n++) {
      const busy = this.#pods.filter(({ games }) => games > 0);
      const pod = busy[n % Math.max(1, busy.length)];
      if (pod !== undefined) pod.games -= 1;
    }
  }

  endAll(): void {
    for (const pod of this.#pods) pod.games = 0;
  }

  /** A process ends; its pod starts it anew, still cordoned if it was. Its games find other places, or none. */
  crashOne(): void {
    const pod = this.#pods.find((each) => each.startsIn === 0 && each.stopsIn === undefined);
    if (pod === undefined) return;
    const { games } = pod;
    Object.assign(pod, { games: 0, startsIn: START_PASSES });
    this.load(games, 0);
  }

  pass(): void {
    this.#nowMs += PASS_MS;
    this.#reconcile();
    if (this.#rule.movesGames) this.#move();
    const decision = this.#scaler.decide({
      nowMs: this.#nowMs,
      replicas: this.replicas,
      isSettled: this.#isSettled(),
      processes: this.#heard(),
    });
    for (const name of decision.uncordon) this.#change(name, { isCordoned: false, isRetired: false });
    for (const name of decision.cordon) this.#change(name, { isCordoned: true });
    for (const name of decision.retire) this.#change(name, { isRetired: true });
    this.replicas = decision.replicas ?? this.replicas;
  }

  get freeSlots(): number {
    return this.#open().reduce((sum, { games }) => sum + this.#slotsEach - games, 0);
  }

  summary(): unknown {
    return [this.replicas, this.#pods.map(({ name, isCordoned }) => [name, isCordoned])];
  }

  #reconcile(): void {
    for (const pod of this.#pods) {
      pod.startsIn = Math.max(0, pod.startsIn - 1);
      if (pod.stopsIn !== undefined) pod.stopsIn -= 1;
    }
    this.#pods = this.#pods.filter(({ stopsIn }) => stopsIn !== 0);
    const staying = this.#pods.filter(({ stopsIn }) => stopsIn === undefined);
    for (let n = staying.length; n < this.#observed; n++) this.#add();
    // Whoever takes away more than was retired may hit the fullest: annotations lag.
    const first = staying.sort((a, b) => Number(b.isRetired) - Number(a.isRetired) || b.games - a.games);
    for (const pod of first.slice(0, Math.max(0, staying.length - this.#observed))) this.#delete(pod);
    this.#observed = this.replicas;
  }

  #add(): void {
    const fresh = {
      games: 0,
      startsIn: START_PASSES,
      stopsIn: undefined,
      isCordoned: false,
      isRetired: false,
    };
    this.#pods.push({ name: `pod-${this.#made++}`, ...fresh });
  }

  #delete(pod: WorldPod): void {
    if (pod.games > 0) this.scaledAwayWithGames += 1;
    pod.stopsIn = STOP_PASSES;
  }

  #move(): void {
    for (const from of this.#pods.filter(({ isCordoned, games }) => isCordoned && games > 0)) {
      const to = this.#open()[0];
      if (to === undefined) return;
      from.games -= 1;
      to.games += 1;
    }
  }

  #open(): WorldPod[] {
    return this.#pods.filter(
      ({ startsIn, stopsIn, isCordoned, games }) =>
        startsIn === 0 && stopsIn === undefined && !isCordoned && games < this.#slotsEach,
    );
  }

  #isSettled(): boolean {
    const isUp = this.#pods.every(({ startsIn, stopsIn }) => startsIn === 0 && stopsIn === undefined);
    return isUp && this.#pods.length === this.replicas;
  }

  #heard(): ScaledProcess[] {
    return this.#pods
      .filter(({ startsIn }) => startsIn === 0)
      .map(({ name, games, stopsIn, isCordoned, isRetired }) => ({
        pod: name,
        games,
        maxGames: this.#slotsEach,
        isDraining: stopsIn !== undefined,
        cordonedBy: isCordoned ? 'buffer' : undefined,
        isRetired,
      }));
  }

  #change(name: string, change: Partial<WorldPod>): void {
    Object.assign(this.#pods.find((pod) => pod.name === name) ?? {}, change);
  }
}
