import type { GameInfo, RoomInfo } from '@breakwater/client';
import { useState } from 'preact/hooks';
import { Icon } from '../icons.tsx';
import { TotalXp } from '../parts/total-xp.tsx';
import { useApp } from '../state/context.ts';
import { placeUrl } from '../state/router.ts';
import { toggleTheme } from '../state/theme.ts';

export function LobbyView() {
  const { session } = useApp();
  const [failure, setFailure] = useState('');
  const guard = (action: () => Promise<void>) => () =>
    action().then(
      () => setFailure(''),
      (error: Error) => setFailure(error.message),
    );
  const lobby = session.lobby;
  return (
    <>
      <header class="head">
        <h1 class="grow">Lobby</h1>
        <span class="muted ellipsis rail-me">{session.client!.name}</span>
        <span class="rail-me">
          <TotalXp />
        </span>
        <button
          type="button"
          class="button quiet icon-only rail-me"
          onClick={toggleTheme}
          aria-label="Light or dark"
        >
          <Icon name="theme" />
        </button>
      </header>
      <div class="scroll">
        <p class="notice" role="alert" hidden={failure === ''}>
          {failure}
        </p>
        <div class="lobby">
          <Games games={lobby?.games} types={lobby?.types ?? []} guard={guard} />
          <Rooms rooms={lobby?.rooms} guard={guard} />
        </div>
      </div>
    </>
  );
}

type Guard = (action: () => Promise<void>) => () => Promise<void>;

function Games({
  games,
  types,
  guard,
}: {
  games: readonly GameInfo[] | undefined;
  types: readonly string[];
  guard: Guard;
}) {
  const { session, router } = useApp();
  const type = types.includes('world') ? 'world' : types[0];
  const play = guard(async () => router.go({ view: 'game', id: await session.quickMatch(type!) }));
  const create = guard(async () =>
    router.go({ view: 'game', id: (await session.createGame(type!, '')).game }),
  );
  return (
    <section class="panel" aria-labelledby="games-title">
      <header>
        <h2 id="games-title" class="grow">
          Games
        </h2>
        <button type="button" class="button" onClick={create} disabled={type === undefined}>
          <Icon name="plus" />
          New
        </button>
        <button type="button" class="button primary" onClick={play} disabled={type === undefined}>
          Play now
        </button>
      </header>
      <ul class="rows">
        {games?.map((game) => (
          <li key={game.game}>
            <a class="row" href={placeUrl({ view: 'game', id: game.game })}>
              <span class="grow">
                <span class="ellipsis">{game.title}</span>
                <br />
                <span class="muted small">
                  {game.pod === undefined ? game.state : `on ${game.pod}`}
                  {game.state === 'sleeping' && ', asleep'}
                </span>
              </span>
              <span class="meter" aria-hidden="true">
                <i
                  style={{ width: `${Math.min(100, (100 * game.players) / Math.max(1, game.maxPlayers))}%` }}
                />
              </span>
              <span>
                {game.players}
                <span class="muted"> / {game.maxPlayers}</span>
                <span class="visually-hidden"> players</span>
              </span>
            </a>
          </li>
        ))}
        {games?.length === 0 && <li class="empty">No game is running. Play now starts one.</li>}
        {games === undefined && <li class="empty">Loading</li>}
      </ul>
    </section>
  );
}

function Rooms({ rooms, guard }: { rooms: readonly RoomInfo[] | undefined; guard: Guard }) {
  const { session, router } = useApp();
  const [title, setTitle] = useState('');
  const create = guard(async () => {
    const id = roomIdFrom(title);
    await session.createRoom(id, title.trim());
    setTitle('');
    router.go({ view: 'room', id });
  });
  return (
    <section class="panel" aria-labelledby="rooms-title">
      <header>
        <h2 id="rooms-title" class="grow">
          Rooms
        </h2>
      </header>
      <ul class="rows">
        {rooms?.map((room) => (
          <li key={room.room}>
            <a class="row" href={placeUrl({ view: 'room', id: room.room })}>
              <Icon name="hash" />
              <span class="grow ellipsis">{room.title}</span>
              <span class="muted">
                {room.count ?? 0}
                <span class="visually-hidden"> people</span>
              </span>
              <span class="muted">
                <Icon name="people" />
              </span>
            </a>
          </li>
        ))}
        {rooms?.length === 0 && <li class="empty">There is no room yet.</li>}
        {rooms === undefined && <li class="empty">Loading</li>}
      </ul>
      <form
        class="inline-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (roomIdFrom(title) !== '') void create();
        }}
      >
        <label for="room-title" class="visually-hidden">
          Name of a new room
        </label>
        <input
          id="room-title"
          class="field"
          placeholder="New room"
          maxLength={64}
          value={title}
          onInput={(event) => setTitle(event.currentTarget.value)}
        />
        <button type="submit" class="button" disabled={roomIdFrom(title) === ''}>
          Create
        </button>
      </form>
    </section>
  );
}

/** A room's id from its title: letters, digits and dashes, at most 40. */
function roomIdFrom(title: string): string {
  return title
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
}
