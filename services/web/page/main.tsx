import { render } from 'preact';
import { App } from './app.tsx';
import { createRouter } from './state/router.ts';
import { Session } from './state/session.ts';
import { applyStoredTheme } from './state/theme.ts';

applyStoredTheme();
const answer = await fetch('/config.json');
const { edges } = (await answer.json()) as { edges: string[] };
// None: the page's own address passes everything on to the edges.
const session = new Session(edges.length > 0 ? edges : [location.origin]);
session.resume();
render(<App state={{ session, router: createRouter() }} />, document.getElementById('app')!);
