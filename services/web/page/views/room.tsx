import { useState } from 'preact/hooks';
import { Icon } from '../icons.tsx';
import { Avatar } from '../parts/avatar.tsx';
import { Talk } from '../parts/talk.tsx';
import { useApp } from '../state/context.ts';
import { useRoom } from '../state/use-room.ts';

export function RoomView({ id }: { id: string }) {
  const { session } = useApp();
  const { room, failure } = useRoom(id);
  const [isSideOpen, setSideOpen] = useState(false);
  const title = room?.info.title ?? session.lobby?.rooms.find((entry) => entry.room === id)?.title ?? id;
  return (
    <>
      <header class="head">
        <a class="button quiet icon-only back" href="#/" aria-label="Back to the lobby">
          <Icon name="back" />
        </a>
        <h1 class="grow ellipsis">{title}</h1>
        <button
          type="button"
          class="button quiet"
          aria-expanded={isSideOpen}
          aria-controls="people"
          onClick={() => setSideOpen(!isSideOpen)}
        >
          <Icon name="people" />
          {room?.count ?? 0}
          <span class="visually-hidden"> people here</span>
        </button>
      </header>
      <div class="room">
        <Talk room={room} failure={failure} title={title} autoFocus />
        <aside id="people" class={isSideOpen ? 'side open' : 'side'} aria-label="People here">
          <h2>Here now: {room?.count ?? 0}</h2>
          <ul>
            {room?.people.map((person) => (
              <li key={person.user}>
                <Avatar user={person.user} name={person.name} isTiny />
                <span class="ellipsis">{person.name}</span>
                {person.user === session.client!.user && <span class="muted small">you</span>}
              </li>
            ))}
          </ul>
        </aside>
      </div>
    </>
  );
}
