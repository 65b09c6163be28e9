import {
  FEED_HEADERS,
  type GameInput,
  type GameInputOf,
  gameId,
  gameInput,
  type Subjects,
} from '@breakwater/bus';
import type { BusMessage, Cancel, Logger, NatsBus } from '@breakwater/service-kit';
import type { GameWire } from '../domain/host-types.ts';
import type { Answer } from '../domain/inbox.ts';
import type { Owner } from '../domain/owner.ts';
import type { FedRecord } from '../domain/warm-games.ts';

export interface GameWiresDeps {
  readonly nats: NatsBus;
  readonly subjects: Subjects;
  readonly log: Logger;
  /** A message that could not be read. */
  readonly onBadInput: () => void;
  /** An edge that holds players of a game here. */
  readonly onEdge: (edge: string) => void;
}

/** What else of a message counts against its size. */
const HEADROOM_BYTES = 1_024;

/**
 * Brings `game.<p>.<game>.in` and the game's feed to its owner. The feed also while nobody plays: an owner that
 * appends nothing learns by it alone that it was overtaken, and a quiet game's feed costs nothing.
 */
export function wireGame(deps: GameWiresDeps, game: string, owner: Owner): GameWire {
  const { nats, subjects } = deps;
  const id = gameId(game);
  const inputs = nats.subscribe(subjects.gameIn(id), {}, (message) => take(deps, owner, message));
  const feed = nats.subscribe(subjects.gameFeed(id), {}, (message) => owner.hear(message.data));
  for (const edge of owner.edges()) deps.onEdge(edge);
  return {
    close() {
      inputs.unsubscribe();
      feed.unsubscribe();
    },
  };
}

/** Hears the records of a game that another process hosts. */
export function followGame(
  { nats, subjects }: Pick<GameWiresDeps, 'nats' | 'subjects'>,
  game: string,
  hear: (record: FedRecord) => void,
): Cancel {
  const feed = nats.subscribe(subjects.gameFeed(gameId(game)), {}, (message) => {
    const seq = Number(message.header(FEED_HEADERS.sequence));
    // Edges publish notices on the feed, too: they have no sequence.
    if (!Number.isSafeInteger(seq) || seq < 1) return;
    const prevSeq = Number(message.header(FEED_HEADERS.lastSequence) ?? 0);
    hear({ seq, prevSeq, bytes: Uint8Array.from(message.data) });
  });
  return () => feed.unsubscribe();
}

function take(deps: GameWiresDeps, owner: Owner, message: BusMessage): void {
  let input: GameInput;
  try {
    input = gameInput(message.json());
  } catch (cause) {
    deps.onBadInput();
    const problem = cause instanceof Error ? cause.message : 'cannot be read';
    respond(deps, message, { ok: false, error: { code: 'bad_request', message: problem } });
    return;
  }
  switch (input.kind) {
    case 'command':
      owner.command({ ...input, args: input.args, trace: message.trace });
      break;
    case 'join':
      deps.onEdge(input.edge);
      owner.receive(joinOf(input, answerTo(deps, message)));
      break;
    case 'sync':
      owner.receive({ kind: 'sync', edge: input.edge, pids: input.pids, answer: answerTo(deps, message) });
      break;
    case 'leave':
    case 'dropped':
      owner.receive(input);
      break;
    default:
      input satisfies never;
  }
}

function joinOf({ user, name, edge, session, join, spectate }: GameInputOf<'join'>, answer: Answer) {
  return { kind: 'join', user, name, edge, session, join, spectate, answer } as const;
}

function answerTo(deps: GameWiresDeps, message: BusMessage): Answer {
  return {
    state(bytes) {
      const maxBytes = deps.nats.maxPayloadBytes - HEADROOM_BYTES;
      if (bytes.length <= maxBytes) respond(deps, message, bytes);
      else this.error('too_large', `the state takes ${bytes.length} bytes, NATS carries ${maxBytes}`);
    },
    error: (code, text) => respond(deps, message, { ok: false, error: { code, message: text } }),
  };
}

/** An answer that cannot be sent is nobody's harm: who waits asks again. */
function respond(deps: GameWiresDeps, message: BusMessage, answer: Uint8Array | object): void {
  try {
    message.respond(answer);
  } catch (cause) {
    deps.log.warn({ subject: message.subject, err: cause }, 'an answer could not be sent');
  }
}
