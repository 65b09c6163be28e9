/** The model: matchmakers with their real domain and simulation processes, on NATS and a clock in memory. */

import { podId, type SimVerb, subjectsFor } from '@breakwater/bus';
import { ProtocolError } from '@breakwater/protocol';
import { BusError } from '@breakwater/service-kit';
import { ModelClock } from '@breakwater/testkit';
import { Calm } from './calm.ts';
import { type Command, commandsOf, MATCHMAKERS, type Plan, SIMS, type Who } from './fleet-command.ts';
import { FleetRules, HEARD_MS, NATS } from './fleet-rules.ts';
import { LIMITS, limitsFor } from './limits.ts';
import { ModelMatchmaker } from './model-matchmaker.ts';
import { ModelNats } from './model-nats.ts';
import { ModelSim, TYPE } from './model-sim.ts';
import { claimsOf, quietFaults } from './quiet.ts';
import { randomFrom } from './random.ts';
import type { Seam } from './seeded-bugs.ts';

const MAX_GAMES = 4;
const LOOK_MS = 100;
/** Until a matchmaker that was started knows what runs. */
const START_MS = LIMITS.heartbeatMs * 5;
const MAX_DOWN_MS = 1_500;
/** In which everything must have found its place once nothing goes wrong any more. */
const QUIET_AFTER_MS = 20_000;
const STABLE_MS = 3_000;
const subjects = subjectsFor(1);

export class FleetWorld {
  readonly rules: FleetRules;
  readonly clock = new ModelClock();
  readonly #plan: Plan;
  readonly #seam: Seam;
  readonly #random: () => number;
  readonly #nats: ModelNats;
  readonly #calm: Calm;
  readonly #sims: ModelSim[];
  readonly #matchmakers: ModelMatchmaker[];
  /** Requests of clients that are not answered yet, and by whom. */
  readonly #calls = new Map<object, ModelMatchmaker>();
  #names = 0;
  #isOver = false;

  constructor(plan: Plan, seam: Seam = {}) {
    this.#plan = plan;
    this.#seam = seam;
    this.#random = randomFrom(plan.seed);
    this.#nats = new ModelNats(this.clock, this.#random);
    this.#calm = new Calm(this.clock);
    this.rules = new FleetRules({
      nats: this.#nats,
      calm: this.#calm,
      tuning: plan.tuning,
      sims: () => this.#sims,
      matchmakers: () => this.#matchmakers,
      nowMs: () => this.clock.monotonicMs(),
    });
    for (const bucket of [this.#nats.games, this.#nats.leader])
      bucket.onFate = () => this.#calm.touch(NATS, LIMITS.storeTimeoutMs);
    this.#sims = Array.from({ length: SIMS }, (_, index) => this.#newSim(`sim-${index}`));
    this.#matchmakers = Array.from({ length: MATCHMAKERS }, (_, index) => this.#newMatchmaker(`mm-${index}`));
  }

  /** Everything that was wrong. */
  async run(): Promise<string[]> {
    this.#look();
    await this.clock.advance(START_MS);
    for (let game = 0; game < this.#plan.games; game++) this.#create(game % MATCHMAKERS, game);
    await this.clock.advance(500);
    for (const command of commandsOf(this.#plan)) {
      this.#do(command);
      await this.clock.advance(command.kind === 'wait' ? command.ms : 10);
      if (this.rules.violations.length > 0) break;
    }
    await this.#settle();
    this.#isOver = true;
    for (const { epoch } of this.#nats.logs.values()) this.rules.counts.claims += epoch;
    return this.rules.violations;
  }

  #do(command: Command): void {
    const nats = this.#nats;
    switch (command.kind) {
      case 'wait':
        break;
      case 'create':
        this.#create(command.matchmaker, command.key);
        break;
      case 'find':
        this.#withGame(command.game, (game) =>
          this.#call(command.matchmaker, ({ matchmaking }) => matchmaking.find(game)),
        );
        break;
      case 'quick':
        this.#call(command.matchmaker, ({ matchmaking }) =>
          matchmaking.quick({ user: `user-${command.game}`, key: `q${command.game}`, type: TYPE }),
        );
        break;
      case 'move':
        this.#withGame(command.game, (game) => {
          this.rules.cause(game);
          const to = this.#sims[command.to]?.name;
          this.#call(command.matchmaker, ({ matchmaking }) =>
            matchmaking.move({ game, ...(to !== undefined && { to }) }),
          );
        });
        break;
      case 'seat':
        this.#withGame(command.game, (game) => this.rules.ownerOf(game)?.seat(game, `user-${this.#next()}`));
        break;
      case 'end':
        this.#withGame(command.game, (game) => void this.rules.ownerOf(game)?.end(game));
        break;
      case 'giveUp':
        this.#withGame(command.game, (game) => this.rules.ownerOf(game)?.giveUp(game));
        break;
      case 'crash':
        this.#crash(command.sim);
        break;
      case 'leave':
        this.#sim(command.sim).drain();
        break;
      case 'slow':
      case 'slowLoads':
        this.#slow(command.sim, command);
        break;
      case 'loseHeartbeats':
        this.#sim(command.sim).lostHeartbeats = command.count;
        break;
      case 'killMatchmaker':
        this.#killMatchmaker(command.matchmaker);
        break;
      case 'stopMatchmaker':
        void this.#stopMatchmaker(command.matchmaker);
        break;
      case 'pause':
        this.#pause(command.who, command.ms);
        break;
      case 'hold':
        this.#trouble(command.who, command.ms, ({ link }) => {
          link.hold(command.direction);
          return () => link.release(command.direction);
        });
        break;
      case 'cut':
        this.#trouble(command.who, 200, ({ link }) => {
          nats.cut(link);
          return () => undefined;
        });
        break;
      case 'pauseServer':
        nats.pause();
        this.#natsTrouble(command.ms, () => nats.resume());
        break;
      case 'restartServer': {
        const downMs = Math.min(command.ms, MAX_DOWN_MS);
        nats.restart(downMs);
        this.#natsTrouble(downMs + 200, () => undefined);
        for (let after = 30; after < 200; after += 30)
          this.clock.after(downMs + after, () => this.#findAll());
        break;
      }
      case 'doubt':
        nats[command.bucket].fates.push(command.isStored ? 'unheard' : 'dropped');
        break;
      case 'lateCopy':
        this.#lateCopy(command.back);
        break;
      default:
        command satisfies never;
    }
  }

  #create(matchmaker: number, key: number): void {
    this.#call(matchmaker, ({ matchmaking }) =>
      matchmaking.create({ user: 'ann', key: String(key), type: TYPE }),
    );
  }

  /** As edges do when nobody answers for a game. */
  #findAll(): void {
    for (const { game } of this.#nats.games.values()) {
      const index = Math.floor(this.#random() * MATCHMAKERS);
      this.#call(index, ({ matchmaking }) => matchmaking.find(game));
    }
  }

  /** A client's request, which is lost when nobody is there to take it. */
  #call(index: number, ask: (matchmaker: ModelMatchmaker) => Promise<unknown>): void {
    const matchmaker = this.#matchmaker(index);
    matchmaker.link.down(() => {
      if (!matchmaker.isReady) return;
      const call = {};
      this.#calls.set(call, matchmaker);
      ask(matchmaker)
        .catch((error: unknown) => {
          if (!(error instanceof ProtocolError || error instanceof BusError)) this.rules.onError(error);
        })
        .finally(() => this.#calls.delete(call));
    });
  }

  #withGame(index: number, act: (game: string) => void): void {
    const games = Array.from(this.#nats.games.values(), ({ game }) => game).sort();
    const game = games[index % games.length];
    if (game !== undefined) act(game);
  }

  #crash(index: number): void {
    const sim = this.#sim(index);
    if (sim.isDead) return;
    sim.kill();
    this.#respawnSim(index, sim.name);
  }

  /** Of the same name: its container was started again. */
  #respawnSim(index: number, name: string): void {
    this.#calm.begin(name);
    this.clock.after(200 + this.#random() * 1_500, () => {
      this.#calm.end(name);
      this.#sims[index] = this.#newSim(name);
    });
  }

  #onLeft(sim: ModelSim): void {
    this.#calm.begin(sim.name);
    sim.clock.after(5, () => {
      const index = this.#sims.indexOf(sim);
      if (sim.isDead || index < 0) return;
      sim.kill();
      this.#respawnSim(index, `sim-${index}-${this.#next()}`);
    });
  }

  #slow(index: number, { kind, ms }: Command & { kind: 'slow' | 'slowLoads' }): void {
    const sim = this.#sim(index);
    const set = (isOn: boolean) => {
      if (kind === 'slow') sim.isSlow = isOn;
      else sim.loadMs = isOn ? ms : 0;
    };
    set(true);
    this.clock.after(ms * 3, () => set(false));
  }

  #killMatchmaker(index: number): void {
    const matchmaker = this.#matchmaker(index);
    if (matchmaker.isDead) return;
    matchmaker.kill();
    this.#calm.touch(asItIs(matchmaker.name));
    for (const [call, by] of this.#calls) if (by === matchmaker) this.#calls.delete(call);
    this.clock.after(300 + this.#random() * 2_500, () => this.#respawnMatchmaker(index, matchmaker));
  }

  async #stopMatchmaker(index: number): Promise<void> {
    const matchmaker = this.#matchmaker(index);
    if (matchmaker.isDead || !matchmaker.isReady) return;
    this.#calm.begin(asItIs(matchmaker.name));
    await matchmaker.stop();
    this.#calm.end(asItIs(matchmaker.name));
    for (const [call, by] of this.#calls) if (by === matchmaker) this.#calls.delete(call);
    this.#respawnMatchmaker(index, matchmaker);
  }

  #respawnMatchmaker(index: number, before: ModelMatchmaker): void {
    if (this.#matchmakers[index] !== before) return;
    this.#matchmakers[index] = this.#newMatchmaker(before.name);
  }

  #pause(who: Who, ms: number): void {
    const name = this.#at(who).name;
    // A paused matchmaker is no trouble to the others, so to it as it is nothing happens meanwhile.
    const since = () => this.#calm.touch(asItIs(name));
    const client = this.#at(who);
    if (client.isDead || client.isPaused) return;
    client.pause();
    this.#calm.begin(name);
    since();
    this.clock.after(ms, () => {
      client.resume();
      this.#calm.end(name);
      since();
    });
  }

  #trouble(who: Who, ms: number, begin: (client: ModelSim | ModelMatchmaker) => () => void): void {
    const client = this.#at(who);
    if (client.isDead) return;
    const names = [client.name, asItIs(client.name)];
    for (const name of names) this.#calm.begin(name);
    const end = begin(client);
    this.clock.after(ms, () => {
      end();
      for (const name of names) {
        this.#calm.end(name);
        if (client instanceof ModelMatchmaker) this.#calm.touch(name, LIMITS.reconnectGraceMs);
      }
    });
  }

  #natsTrouble(ms: number, end: () => void): void {
    this.#calm.begin(NATS);
    this.clock.after(ms, () => {
      end();
      this.#calm.end(NATS);
      this.#calm.touch(NATS, LIMITS.reconnectGraceMs);
    });
  }

  #lateCopy(back: number): void {
    const copy = this.rules.sent.at(-1 - back);
    if (copy === undefined) return;
    if ('game' in copy.request) this.rules.cause(String(copy.request.game));
    const subject = subjects.sim(podId(copy.pod), copy.verb as SimVerb);
    this.#nats.pass(subject, copy.request, () => undefined);
  }

  async #settle(): Promise<void> {
    const nats = this.#nats;
    nats.resume();
    for (const bucket of [nats.games, nats.leader]) bucket.fates.length = 0;
    for (const client of [...this.#sims, ...this.#matchmakers]) {
      client.resume();
      for (const direction of ['up', 'down'] as const) client.link.release(direction);
    }
    for (const sim of this.#sims) Object.assign(sim, { isSlow: false, loadMs: 0, lostHeartbeats: 0 });
    await this.clock.advance(HEARD_MS);
    let faults = ['nothing was looked at'];
    for (let passedMs = 0; faults.length > 0 && passedMs < QUIET_AFTER_MS; passedMs += 500) {
      if (this.rules.violations.length > 0) return;
      await this.clock.advance(500);
      faults = quietFaults(this.#nats, this.#sims, this.#matchmakers, this.#calls.size);
    }
    const claims = claimsOf(this.#nats);
    await this.clock.advance(STABLE_MS);
    this.rules.violations.push(
      ...faults,
      ...quietFaults(this.#nats, this.#sims, this.#matchmakers, this.#calls.size),
    );
    if (claimsOf(this.#nats) !== claims)
      this.rules.violations.push('games change hands although all is quiet');
  }

  #look(): void {
    this.clock.after(LOOK_MS, () => {
      if (this.#isOver) return;
      this.rules.look();
      this.#look();
    });
  }

  #at(who: Who): ModelSim | ModelMatchmaker {
    const [kind, index] = who.split('-');
    return kind === 'sim' ? this.#sim(Number(index)) : this.#matchmaker(Number(index));
  }

  #sim(index: number): ModelSim {
    const sim = this.#sims[index];
    if (sim === undefined) throw new RangeError(`there is no process ${index}`);
    return sim;
  }

  #matchmaker(index: number): ModelMatchmaker {
    const matchmaker = this.#matchmakers[index];
    if (matchmaker === undefined) throw new RangeError(`there is no matchmaker ${index}`);
    return matchmaker;
  }

  #newSim(name: string): ModelSim {
    this.#calm.touch(name);
    return new ModelSim({
      name,
      incarnation: `i${this.#next()}`,
      nats: this.#nats,
      random: this.#random,
      maxGames: MAX_GAMES,
      nonce: () => `n${this.#next()}`,
      onLostHeartbeat: (pod) => this.#calm.touch(pod, LIMITS.heartbeatMs),
      onLeft: (sim) => this.#onLeft(sim),
    });
  }

  #newMatchmaker(name: string): ModelMatchmaker {
    for (const each of [name, asItIs(name)]) this.#calm.touch(each, START_MS);
    return new ModelMatchmaker({
      name,
      nats: this.#nats,
      limits: { ...limitsFor(this.#plan.tuning), ...this.#seam.limits },
      dateOffMs: Math.round((this.#random() - 0.5) * 4_000),
      nonce: () => `n${this.#next()}`,
      events: this.rules,
      seam: this.#seam,
    });
  }

  #next(): number {
    this.#names += 1;
    return this.#names;
  }
}

const asItIs = (matchmaker: string): string => `${matchmaker} as it is`;
