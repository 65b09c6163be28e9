import { Icon } from '../icons.tsx';
import { useApp } from '../state/context.ts';
import { type Place, placeUrl } from '../state/router.ts';
import { toggleTheme } from '../state/theme.ts';
import { Avatar } from './avatar.tsx';
import { TotalXp } from './total-xp.tsx';

/** The left column on wide screens: where one can go, with unread counts. */
export function Rail() {
  const { session } = useApp();
  const client = session.client!;
  return (
    <nav class="rail" aria-label="Rooms and games">
      <a class="brand" href="#/">
        <Icon name="wave" />
        Breakwater
      </a>
      <ul>
        <RailLink place={{ view: 'lobby' }} icon="home" label="Lobby" />
      </ul>
      <h2>Rooms</h2>
      <ul>
        {session.lobby?.rooms.map((room) => (
          <RailLink
            key={room.room}
            place={{ view: 'room', id: room.room }}
            icon="hash"
            label={room.title}
            unread={session.unread(room.room)}
          />
        ))}
      </ul>
      {(session.lobby?.games.length ?? 0) > 0 && <h2>Games</h2>}
      <ul>
        {session.lobby?.games.map((game) => (
          <RailLink
            key={game.game}
            place={{ view: 'game', id: game.game }}
            icon="world"
            label={game.title}
            detail={`${game.players}/${game.maxPlayers}`}
          />
        ))}
      </ul>
      <div class="me">
        <Avatar user={client.user} name={client.name} />
        <span class="grow ellipsis">{client.name}</span>
        <TotalXp />
        <button type="button" class="button quiet icon-only" onClick={toggleTheme} aria-label="Light or dark">
          <Icon name="theme" />
        </button>
      </div>
    </nav>
  );
}

interface RailLinkProps {
  readonly place: Place;
  readonly icon: 'home' | 'hash' | 'world';
  readonly label: string;
  readonly detail?: string;
  readonly unread?: number;
}

function RailLink({ place, icon, label, detail, unread = 0 }: RailLinkProps) {
  const { router } = useApp();
  const isHere = placeUrl(router.place) === placeUrl(place);
  return (
    <li>
      <a class="link" href={placeUrl(place)} aria-current={isHere ? 'page' : undefined}>
        <Icon name={icon} />
        <span class="grow ellipsis">{label}</span>
        {detail !== undefined && <span class="muted small">{detail}</span>}
        {unread > 0 && (
          <span class="badge">
            {unread > 99 ? '99+' : unread}
            <span class="visually-hidden"> unread</span>
          </span>
        )}
      </a>
    </li>
  );
}
