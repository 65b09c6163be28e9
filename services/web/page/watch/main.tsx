import { render } from 'preact';
import { applyStoredTheme } from '../state/theme.ts';
import { Player } from './player.ts';
import { RecordedGame } from './recorded-game.ts';
import type { Recording } from './recording.ts';
import { WatchView } from './watch-view.tsx';

applyStoredTheme();
const answer = await fetch('/recording.json');
const recording = (await answer.json()) as Recording;
document.title = `${recording.game} – Breakwater`;
render(<WatchView player={new Player(new RecordedGame(recording))} />, document.getElementById('app')!);
