import type { Room } from '@breakwater/client';
import { useEffect, useState } from 'preact/hooks';
import { Icon } from '../icons.tsx';
import { Avatar } from '../parts/avatar.tsx';
import { Composer } from '../parts/composer.tsx';
import { MessageList } from '../parts/message-list.tsx';
import { useApp } from '../state/context.ts';

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
        <section class="talk" aria-label={`Messages in ${title}`}>
          {failure !== undefined && (
            <p class="notice" role="alert">
              {failure}
            </p>
          )}
          {room === undefined ? (
            <div class="messages" />
          ) : (
            <MessageList room={room} me={session.client!.user} />
          )}
          <p class="typing" aria-live="polite">
            {room === undefined ? '' : typingSentence(room)}
          </p>
          <Composer room={room} title={title} />
        </section>
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

/** The joined room; renders again with everything that changes in it. */
function useRoom(id: string): { room: Room | undefined; failure: string | undefined } {
  const { session } = useApp();
  const [room, setRoom] = useState<Room>();
  const [failure, setFailure] = useState<string>();
  const [, setVersion] = useState(0);
  useEffect(() => {
    let isOpen = true;
    const offs: (() => void)[] = [];
    const refresh = () => setVersion((version) => version + 1);
    session.openRoom(id).then(
      (joined) => {
        if (!isOpen) return;
        for (const event of ['message', 'reset', 'people', 'typing', 'outgoing', 'resumed'] as const) {
          offs.push(joined.on(event, refresh));
        }
        setRoom(joined);
      },
      (error: Error) => isOpen && setFailure(error.message),
    );
    return () => {
      isOpen = false;
      session.closeRoom(id);
      for (const off of offs) off();
    };
  }, [id, session]);
  return { room, failure };
}

function typingSentence(room: Room): string {
  const names = room.typing.map((person) => person.name);
  if (names.length === 0) return '';
  if (names.length > 3) return 'Several people are typing';
  return `${new Intl.ListFormat('en').format(names)} ${names.length === 1 ? 'is' : 'are'} typing`;
}
