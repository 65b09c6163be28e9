import type { Game } from '@breakwater/client';

/** What the canvas needs of a game: one that is played, or one that was recorded. */
export interface ShownGame extends Pick<Game, 'pid' | 'tickHz' | 'replica'> {
  on(event: 'state' | 'delta', listener: () => void): () => void;
  command: Game['command'];
}
