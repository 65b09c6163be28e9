import {
  type GameEntry,
  type MatchedGame,
  type MatchGames,
  type MatchMoved,
  type MatchOperation,
  type MatchProcesses,
  type MatchVerb,
  matchCreate,
  matchFind,
  matchList,
  matchMove,
  matchQuick,
  QUEUES,
  type Subject,
  type Subjects,
} from '@breakwater/bus';
import { type Decoder, loose, ProtocolError } from '@breakwater/protocol';
import { BusError, type BusSubscription, type NatsBus, ReplyError } from '@breakwater/service-kit';
import type { Matched } from '../domain/creation.ts';
import type { Matchmaking } from '../domain/matchmaking.ts';
import { infoOf } from '../domain/registry.ts';

export type AnswerCounter = (verb: MatchVerb | MatchOperation, outcome: string) => void;

/** Answers `match.<verb>`; replicas share the requests. */
export class Requests {
  readonly #bus: NatsBus;
  readonly #subjects: Subjects;
  readonly #matchmaking: Matchmaking;
  readonly #maxInFlight: number;
  readonly #count: AnswerCounter;
  readonly #subscriptions: BusSubscription[] = [];

  constructor(
    bus: NatsBus,
    subjects: Subjects,
    matchmaking: Matchmaking,
    maxInFlight: number,
    count: AnswerCounter,
  ) {
    this.#bus = bus;
    this.#subjects = subjects;
    this.#matchmaking = matchmaking;
    this.#maxInFlight = maxInFlight;
    this.#count = count;
  }

  /** Resolves when the server knows that this replica answers. */
  async start(): Promise<void> {
    const games = this.#matchmaking;
    this.#answer('create', matchCreate, async (request) => toReply(await games.create(request)));
    this.#answer('quick', matchQuick, async (request) => toReply(await games.quick(request)));
    this.#answer('find', matchFind, async ({ game }) => toReply(await games.find(game)));
    this.#answer('list', matchList, async ({ type }): Promise<MatchGames> => ({ games: games.list(type) }));
    this.#answer('types', loose({}), async () => ({ types: games.types() }));
    this.#operation('move', matchMove, async (request) => toMoved(await games.move(request)));
    this.#operation(
      'processes',
      loose({}),
      async (): Promise<MatchProcesses> => ({ processes: games.processes() }),
    );
    await this.#bus.flush();
  }

  async drain(): Promise<void> {
    await Promise.all(this.#subscriptions.map((subscription) => subscription.drain()));
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  #answer<T>(verb: MatchVerb, decoder: Decoder<T>, handle: (request: T) => Promise<object>): void {
    this.#handle(verb, this.#subjects.match(verb), decoder, handle);
  }

  #operation<T>(verb: MatchOperation, decoder: Decoder<T>, handle: (request: T) => Promise<object>): void {
    this.#handle(verb, this.#subjects.matchOperation(verb), decoder, handle);
  }

  #handle<T>(
    verb: MatchVerb | MatchOperation,
    subject: Subject,
    decoder: Decoder<T>,
    handle: (request: T) => Promise<object>,
  ): void {
    const options = { queue: QUEUES.match, maxInFlight: this.#maxInFlight, decode: decoder };
    const subscription = this.#bus.handle(subject, options, async (request) => {
      try {
        const answer = await handle(request);
        this.#count(verb, 'ok');
        return answer;
      } catch (error) {
        throw this.#refusal(verb, error);
      }
    });
    this.#subscriptions.push(subscription);
  }

  #refusal(verb: MatchVerb | MatchOperation, error: unknown): unknown {
    const known =
      error instanceof BusError ? new ProtocolError('unavailable', undefined, { cause: error }) : error;
    this.#count(verb, known instanceof ProtocolError ? known.code : 'internal');
    if (!(known instanceof ProtocolError)) return known;
    return new ReplyError(known.code, known.message, { cause: known });
  }
}

function toReply({ entry, isNew }: Matched): MatchedGame {
  return { info: infoOf(entry), isNew };
}

/** Who hosts the game after a move; a move resolves only then. */
function toMoved({ game, pod, epoch }: GameEntry): MatchMoved {
  if (pod === undefined) throw new ProtocolError('unavailable');
  return { game, pod, epoch };
}
