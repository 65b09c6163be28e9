import type { Game } from '@breakwater/client';
import { duration } from '../format.ts';
import { useApp } from '../state/context.ts';
import { useClock } from '../state/observable.ts';
import type { Pause } from '../state/session.ts';

const LABELS = {
  connecting: 'Connecting',
  connected: 'Connected',
  reconnecting: 'Reconnecting',
  closed: 'Disconnected',
} as const;

/** One line that is always there: connection, transport, round trip, and for a game its rate and its process. */
export function StatusStrip() {
  const { session } = useApp();
  const now = useClock(1_000);
  const client = session.client!;
  const dot = client.state === 'connected' ? 'dot on' : client.state === 'closed' ? 'dot off' : 'dot';
  return (
    <section class="strip" aria-label="Connection">
      <span role="status" data-state={client.state}>
        <i class={dot} />
        <b>{LABELS[client.state]}</b> {duration(now - client.stateSince)}
      </span>
      <span>{client.transport === 'websocket' ? 'WebSocket' : client.transport}</span>
      <span title="Round trip">
        {client.roundTripMs === undefined ? '– ms' : `${Math.round(client.roundTripMs)} ms`}
      </span>
      <span class="wide">
        edge <b>{client.edge === '' ? '–' : client.edge}</b>
      </span>
      {session.failure !== undefined && <span role="alert">{session.failure}</span>}
      {session.game !== undefined && <GameStatus game={session.game} pause={session.pause} />}
    </section>
  );
}

function GameStatus({ game, pause }: { game: Game; pause: Pause | undefined }) {
  return (
    <>
      <span class="push wide">
        <b>{game.tickHz}</b> ticks/s
      </span>
      <span>
        on <b data-testid="pod">{game.pod}</b>
      </span>
      {pause !== undefined && (
        <span>
          moved, pause <b>{Math.round(pause.ms)} ms</b>
        </span>
      )}
    </>
  );
}
