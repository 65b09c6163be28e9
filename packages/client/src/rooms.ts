import type { RoomInfo } from '@breakwater/protocol';
import type { Room, RoomsApi } from './api.ts';
import { checkedFrameBytes } from './frame-check.ts';
import { JoinedRoom } from './room.ts';
import type { Session } from './session.ts';
import { withinTime } from './within-time.ts';

const DEFAULT_PAGE = 50;

export class Rooms implements RoomsApi {
  readonly #session: Session;
  readonly #joined = new Map<string, JoinedRoom>();

  constructor(session: Session) {
    this.#session = session;
  }

  get joined(): readonly Room[] {
    return [...this.#joined.values()];
  }

  async list(): Promise<RoomInfo[]> {
    return (await this.#session.requests.ask({ t: 'room.list' }, 'room.list', true)).rooms;
  }

  async create(room: string, options: { readonly title?: string } = {}): Promise<RoomInfo> {
    // Not repeated after a loss: a second try could not tell its own room from another's.
    const body = { t: 'room.create', room, ...options } as const;
    return (await this.#session.requests.ask(body, 'room.created', false)).info;
  }

  async join(id: string, options: { readonly limit?: number } = {}): Promise<Room> {
    if (this.#session.isClosed) throw this.#session.error;
    const { limit = DEFAULT_PAGE } = options;
    checkedFrameBytes({ t: 'room.join', room: id, limit });
    const room = this.#joined.get(id) ?? this.#add(new JoinedRoom(this.#session, id, limit));
    await withinTime(this.#session.settings, 'room.join', room.first, () => void room.leave());
    return room;
  }

  #add(room: JoinedRoom): JoinedRoom {
    this.#joined.set(room.id, room);
    room.onEnd = () => {
      if (this.#joined.get(room.id) === room) this.#joined.delete(room.id);
    };
    void this.#session.add(room);
    return room;
  }
}
