import { type GameStreamLimits, gameId, gameStreamName, type Subjects } from '@breakwater/bus';
import type { Clock, NatsBus } from '@breakwater/service-kit';
import { RoomyLog, StreamRoom } from '../domain/log-room.ts';
import type { ChainPort, LogPort } from '../domain/ports.ts';

export interface RoomyLogsDeps {
  readonly nats: NatsBus;
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly partitions: number;
  readonly limits: GameStreamLimits;
}

/** The logs of games, with room kept for claims: one look at a stream serves all its games here. */
export function roomyLogs(
  { nats, subjects, clock, partitions, limits }: RoomyLogsDeps,
  chain: (stream: string, subject: string, spanName: string, records: 'many') => ChainPort,
): (game: string) => LogPort {
  const rooms = new Map<string, StreamRoom>();
  const roomOf = (stream: string) => {
    const bytes = async () => (await nats.streamState(stream)).bytes;
    const room = rooms.get(stream) ?? new StreamRoom({ clock, maxBytes: limits.maxBytes, bytes });
    rooms.set(stream, room);
    return room;
  };
  return (game) => {
    const stream = gameStreamName(gameId(game), partitions);
    const subject = subjects.gameLog(gameId(game));
    return new RoomyLog(chain(stream, subject, 'simulation.append', 'many'), {
      maxRecords: limits.maxRecordsPerGame,
      count: () => nats.subjectMessages(stream, subject),
      stream: roomOf(stream),
    });
  };
}
