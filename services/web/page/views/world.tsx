import type { Game } from '@breakwater/client';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../icons.tsx';
import { Talk } from '../parts/talk.tsx';
import { useApp } from '../state/context.ts';
import { useMedia } from '../state/observable.ts';
import { useRoom } from '../state/use-room.ts';
import type { Break, WorldModel } from '../world/model.ts';
import { WorldCanvas } from '../world/world-canvas.ts';

/** The score table and the list of breaks follow the state at this pace, in ms. */
const HUD_PERIOD_MS = 250;
const SHOWN_SCORES = 10;
const SHOWN_BREAKS = 5;

export function WorldView({ id }: { id: string }) {
  const { session } = useApp();
  const { game, failure } = useGame(id);
  const isWide = useMedia('(width >= 1100px)');
  const room = session.lobby?.rooms[0];
  const title = session.lobby?.games.find((entry) => entry.game === id)?.title ?? 'World';
  return (
    <>
      <header class="head">
        <a class="button quiet icon-only back" href="#/" aria-label="Back to the lobby">
          <Icon name="back" />
        </a>
        <h1 class="grow ellipsis">{title}</h1>
        <span class="muted small ellipsis wide">Walk and break things; the last hit earns the XP</span>
      </header>
      <div class="stage">
        <div class="world">
          {game !== undefined && <Stage game={game} />}
          <Veil game={game} failure={failure} />
        </div>
        {isWide && room !== undefined && <Dock id={room.room} title={room.title} />}
      </div>
    </>
  );
}

/** A room beside the game: the same socket carries both. */
function Dock({ id, title }: { id: string; title: string }) {
  const { room, failure } = useRoom(id);
  return (
    <aside class="dock" aria-label={`Room ${title}`}>
      <h2>
        <Icon name="hash" />
        <span class="grow ellipsis">{title}</span>
        <span class="muted">{room?.count ?? 0} here</span>
      </h2>
      <Talk room={room} failure={failure} title={title} />
    </aside>
  );
}

function useGame(id: string): { game: Game | undefined; failure: string | undefined } {
  const { session } = useApp();
  const [game, setGame] = useState<Game>();
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    let isOpen = true;
    let opened: Game | undefined;
    session.openGame(id).then(
      (joined) => {
        opened = joined;
        if (!isOpen) {
          void session.closeGame(joined);
          return;
        }
        joined.on('status', ({ error }) => setFailure(error?.message));
        setGame(joined);
      },
      (error: Error) => isOpen && setFailure(error.message),
    );
    return () => {
      isOpen = false;
      if (opened !== undefined) void session.closeGame(opened);
    };
  }, [id, session]);
  return { game, failure };
}

/** What stands in front of the canvas while there is nothing to play. */
function Veil({ game, failure }: { game: Game | undefined; failure: string | undefined }) {
  const text = failure ?? veilText(game);
  if (text === undefined) return null;
  return (
    <div class="veil" role="status">
      <div>
        <p>{text}</p>
        {(failure !== undefined || game?.status === 'ended' || game?.status === 'lost') && (
          <a class="button" href="#/">
            To the lobby
          </a>
        )}
      </div>
    </div>
  );
}

function veilText(game: Game | undefined): string | undefined {
  if (game === undefined) return 'Joining';
  switch (game.status) {
    case 'live':
    case 'left':
      return undefined;
    case 'rejoining':
      return 'Joining again';
    case 'lost':
      return 'The game cannot be joined again.';
    case 'ended':
      return 'The game is over.';
    default:
      return game.status satisfies never;
  }
}

function Stage({ game }: { game: Game }) {
  const { session } = useApp();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [model, setModel] = useState<WorldModel>();
  const [, setShown] = useState(0);
  useEffect(() => {
    let shownAtMs = 0;
    const world = new WorldCanvas({
      canvas: canvas.current!,
      game,
      roundTripMs: () => session.client?.roundTripMs ?? 0,
      onState: (next) => {
        const now = performance.now();
        if (now - shownAtMs < HUD_PERIOD_MS) return;
        shownAtMs = now;
        setShown(next.version);
      },
    });
    setModel(world.model);
    canvas.current!.focus({ preventScroll: true });
    return () => world.dispose();
  }, [game, session]);
  return (
    <>
      <canvas
        ref={canvas}
        tabIndex={0}
        aria-label="The World. Arrow keys or W A S D walk, space hits the nearest object."
      />
      <p class="hud hint" hidden={hasEarned(model)}>
        Arrow keys or WASD to walk, space to hit; or press where you want to go
      </p>
      {model !== undefined && <Scores model={model} />}
      {model !== undefined && <Feed breaks={model.breaks} />}
    </>
  );
}

/** Who has earned XP knows how it is done. */
function hasEarned(model: WorldModel | undefined): boolean {
  return (model?.players.get(model.ownPid ?? 0)?.xp ?? 0) > 0;
}

function Scores({ model }: { model: WorldModel }) {
  const ranking = model.ranking();
  const top = ranking.slice(0, SHOWN_SCORES);
  const ownRank = ranking.findIndex((player) => player.pid === model.ownPid);
  if (ownRank >= SHOWN_SCORES) top.push(ranking[ownRank]!);
  return (
    <div class="hud scores">
      <table data-testid="scores">
        <caption>XP, {ranking.length} playing</caption>
        <tbody>
          {top.map((player) => (
            <tr key={player.pid} class={player.pid === model.ownPid ? 'me' : ''}>
              <td class="muted">{ranking.indexOf(player) + 1}</td>
              <td class="ellipsis">{player.name}</td>
              <td>{player.xp}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Feed({ breaks }: { breaks: readonly Break[] }) {
  if (breaks.length === 0) return null;
  return (
    <ul class="hud feed" aria-live="polite" aria-label="What was broken" data-testid="breaks">
      {breaks.slice(-SHOWN_BREAKS).map((event) => (
        <li key={`${event.atMs} ${event.pid} ${event.position.x}`} class="ellipsis">
          <b>{event.name}</b> broke a {event.kind}, +{event.xp} XP
        </li>
      ))}
    </ul>
  );
}
