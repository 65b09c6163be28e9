import { Rail } from './parts/rail.tsx';
import { StatusStrip } from './parts/status-strip.tsx';
import { AppContext, type AppState, useApp } from './state/context.ts';
import { LobbyView } from './views/lobby.tsx';
import { RoomView } from './views/room.tsx';
import { WelcomeView } from './views/welcome.tsx';
import { WorldView } from './views/world.tsx';

export function App({ state }: { state: AppState }) {
  return (
    <AppContext.Provider value={state}>
      <Shell />
    </AppContext.Provider>
  );
}

function Shell() {
  const { session } = useApp();
  if (session.client === undefined) return <WelcomeView />;
  return (
    <div class="shell">
      <Rail />
      <main class="main">
        <CurrentView />
      </main>
      <StatusStrip />
    </div>
  );
}

function CurrentView() {
  const { router } = useApp();
  const { place } = router;
  switch (place.view) {
    case 'lobby':
      return <LobbyView />;
    case 'room':
      return <RoomView key={place.id} id={place.id} />;
    case 'game':
      return <WorldView key={place.id} id={place.id} />;
    default:
      return place satisfies never;
  }
}
