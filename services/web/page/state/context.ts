import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { useObservable } from './observable.ts';
import type { Router } from './router.ts';
import type { Session } from './session.ts';

export interface AppState {
  readonly session: Session;
  readonly router: Router;
}

export const AppContext = createContext<AppState | undefined>(undefined);

/** The page's state; the component renders again when the session or the place changes. */
export function useApp(): AppState {
  const state = useContext(AppContext);
  if (state === undefined) throw new Error('the component is outside of the app');
  useObservable(state.session);
  useObservable(state.router);
  return state;
}
