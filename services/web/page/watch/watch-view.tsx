import { useEffect, useRef, useState } from 'preact/hooks';
import { useObservable } from '../state/observable.ts';
import { WorldCanvas } from '../world/world-canvas.ts';
import { type Player, SPEEDS } from './player.ts';
import type { RecordedGame } from './recorded-game.ts';
import { Tables } from './tables.tsx';

export function WatchView({ player }: { player: Player }) {
  const { game } = player;
  const { recording } = game;
  return (
    <div class="watch">
      <header class="head">
        <h1 class="grow ellipsis">{recording.game}</h1>
        <span class="muted small">
          {recording.type}, {recording.frames.length} records
        </span>
      </header>
      <div class="world">
        {recording.type === 'world' ? <Canvas game={game} /> : <Tables player={player} />}
      </div>
      <Controls player={player} />
    </div>
  );
}

function Canvas({ game }: { game: RecordedGame }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const world = new WorldCanvas({
      canvas: canvas.current!,
      game,
      roundTripMs: () => 0,
      onState: () => undefined,
    });
    return () => world.dispose();
  }, [game]);
  return <canvas ref={canvas} aria-label="The World as it was" />;
}

function Controls({ player }: { player: Player }) {
  useObservable(player);
  useKeys(player);
  const { game } = player;
  const last = game.length - 1;
  return (
    <div class="watch-controls">
      <div class="watch-line">
        <input
          type="range"
          min={0}
          max={last}
          value={game.index}
          aria-label="Record"
          data-testid="slider"
          onInput={(event) => player.seek(Number(event.currentTarget.value))}
        />
        <Marks game={game} />
      </div>
      <div class="watch-buttons">
        <button type="button" class="button" onClick={() => player.toggle()} data-testid="play">
          {player.isPlaying ? 'Pause' : 'Play'}
        </button>
        <button
          type="button"
          class="button quiet"
          onClick={() => player.seek(game.index - 1)}
          data-testid="back"
        >
          Back
        </button>
        <button
          type="button"
          class="button quiet"
          onClick={() => player.seek(game.index + 1)}
          data-testid="forward"
        >
          Forward
        </button>
        <label>
          <span class="muted small">Speed </span>
          <select
            value={player.speed}
            data-testid="speed"
            onChange={(event) => player.setSpeed(Number(event.currentTarget.value))}
          >
            {SPEEDS.map((speed) => (
              <option key={speed} value={speed}>
                {speed}×
              </option>
            ))}
          </select>
        </label>
        <Jump player={player} />
        <Place game={game} />
      </div>
    </div>
  );
}

/** Where another process took the game over. */
function Marks({ game }: { game: RecordedGame }) {
  const last = Math.max(1, game.length - 1);
  return (
    <ol class="watch-marks" aria-label="Owners">
      {game.recording.owners.map(({ frame, epoch, pod }) => (
        <li
          key={`${epoch} ${frame}`}
          style={{ left: `${(100 * frame) / last}%` }}
          title={`epoch ${epoch} on ${pod}`}
        >
          {epoch}
        </li>
      ))}
    </ol>
  );
}

/** Goes to a record by the number that it has in the log. */
function Jump({ player }: { player: Player }) {
  const [text, setText] = useState('');
  const { frames } = player.game.recording;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const found = frames.findIndex(({ seq }) => seq >= Number(text));
        if (text !== '') player.seek(found < 0 ? frames.length - 1 : found);
      }}
    >
      <input
        class="watch-jump"
        inputMode="numeric"
        placeholder="Record"
        aria-label="Go to record"
        data-testid="jump"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </form>
  );
}

function Place({ game }: { game: RecordedGame }) {
  const { frames, owners, end } = game.recording;
  const frame = frames[game.index];
  const owner = owners.findLast(({ frame: from }) => from <= game.index);
  const time = frame?.at === undefined ? '' : `, ${new Date(frame.at).toLocaleTimeString()}`;
  return (
    <output class="grow small" data-testid="place">
      record {frame?.seq}, tick {frame?.tick}, epoch {frame?.epoch}
      {owner !== undefined && ` on ${owner.pod}`}
      {time}
      {game.index === game.length - 1 && end !== undefined && <b> {end}</b>}
    </output>
  );
}

/** Space plays and pauses, the arrows step. A field that is written in keeps its keys. */
function useKeys(player: Player): void {
  useEffect(() => {
    const listener = (event: KeyboardEvent) => {
      if (event.target instanceof HTMLElement && event.target.closest('input, select, button') !== null)
        return;
      if (event.key === ' ') player.toggle();
      else if (event.key === 'ArrowLeft') player.seek(player.game.index - 1);
      else if (event.key === 'ArrowRight') player.seek(player.game.index + 1);
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', listener);
    return () => removeEventListener('keydown', listener);
  }, [player]);
}
