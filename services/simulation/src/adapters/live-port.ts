import { gameId, type Subjects } from '@breakwater/bus';
import type { NatsBus, Tracer } from '@breakwater/service-kit';
import type { LivePort } from '../domain/volatile-game.ts';

export interface LivePortDeps {
  readonly nats: NatsBus;
  readonly subjects: Subjects;
  readonly tracer: Tracer;
}

/** The deltas of a volatile game. What is said while NATS is away is missed by all, who then ask for all of it. */
export function livePort({ nats, subjects, tracer }: LivePortDeps, game: string): LivePort {
  const subject = subjects.gameLive(gameId(game));
  return {
    publish(bytes, trace) {
      nats.publish(subject, bytes, trace !== undefined && tracer.enabled ? { trace } : {});
    },
  };
}
