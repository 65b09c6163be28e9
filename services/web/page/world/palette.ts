/** Colours of the canvas, from the page's tokens where they exist, for light and dark. */

import { hueOf } from '../format.ts';
import { isDark } from '../state/theme.ts';

export interface Palette {
  readonly ground: string;
  readonly dots: string;
  readonly beyond: string;
  readonly text: string;
  readonly halo: string;
  readonly accent: string;
  readonly flash: string;
  readonly shadow: string;
  readonly hpBack: string;
  readonly hp: string;
  readonly kinds: { readonly [name: string]: { readonly fill: string; readonly line: string } };
}

const LIGHT: Palette = {
  ground: '#e9efe9',
  dots: '#d2dcd4',
  beyond: '#d5dde0',
  text: '#16222a',
  halo: '#ffffffd0',
  accent: '#0f6f73',
  flash: '#ffffff',
  shadow: '#16222a1f',
  hpBack: '#16222a33',
  hp: '#19703c',
  kinds: {
    crate: { fill: '#c99b62', line: '#8a6434' },
    rock: { fill: '#9aa5ab', line: '#66727a' },
    crystal: { fill: '#8b7fe0', line: '#5a4fb4' },
  },
};

const DARK: Palette = {
  ground: '#172026',
  dots: '#24313a',
  beyond: '#0c1115',
  text: '#e4ecf0',
  halo: '#10161bd0',
  accent: '#4cc3c0',
  flash: '#ffffff',
  shadow: '#00000059',
  hpBack: '#ffffff33',
  hp: '#57c785',
  kinds: {
    crate: { fill: '#a87c48', line: '#d9b27c' },
    rock: { fill: '#5d6a73', line: '#96a5af' },
    crystal: { fill: '#6c60cf', line: '#b3aaff' },
  },
};

export const palette = (): Palette => (isDark() ? DARK : LIGHT);

const playerColours = new Map<number, string>();

/** A player's own colour, the same for everyone who looks. */
export function playerColour(pid: number): string {
  const known = playerColours.get(pid);
  if (known !== undefined) return known;
  if (playerColours.size > 2_000) playerColours.clear();
  const colour = `hsl(${hueOf(`player ${pid * 7919}`)} 55% 48%)`;
  playerColours.set(pid, colour);
  return colour;
}
