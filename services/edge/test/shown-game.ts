/** A client in a game: how it joins, and what it shows, read off its frames. */

import type { GameFrame, ServerFrameOf } from '@breakwater/protocol';
import { eventually } from '@breakwater/testkit';
import { expect } from 'vitest';
import type { TestClient } from './client.ts';
import { type ScriptedGame, textOf } from './scripted-game.ts';

export const isGameFrame = (frame: TestClient['all'][number]): frame is GameFrame => 'kind' in frame;

/** With a higher number than any join of the game before. */
export function joinGame(
  client: TestClient,
  game: ScriptedGame,
  more: Readonly<Record<string, unknown>> = {},
): Promise<ServerFrameOf<'game.joined'>> {
  game.joins += 1;
  return client.request('game.joined', { t: 'game.join', game: game.id, join: game.joins, ...more });
}

/** What a client shows of the game's shared part, checked for holes the way a client checks. */
export function shown(client: TestClient): string[] {
  let steps: string[] = [];
  let seq = 0;
  let epoch = 0;
  let announced = 0;
  for (const frame of client.all) {
    if (!isGameFrame(frame)) {
      if (frame.t === 'game.owner') announced = Math.max(announced, frame.epoch);
      continue;
    }
    if (frame.kind === 'slice' || frame.epoch < epoch) continue;
    if (frame.kind === 'state') {
      if (frame.seq < seq) continue;
      steps = textOf(frame.shared)
        .split('|')
        .filter((step) => step !== '');
    } else {
      expect(frame.seq, 'no delta twice').toBeGreaterThan(seq);
      const isNext = frame.prev === seq || (frame.epoch > epoch && frame.epoch === announced);
      expect(isNext, `no hole before ${frame.seq}: prev ${frame.prev}, own ${seq}`).toBe(true);
      steps.push(textOf(frame.shared));
    }
    seq = frame.seq;
    epoch = frame.epoch;
  }
  return steps;
}

export const showsAll = (client: TestClient, game: ScriptedGame) =>
  eventually(() => expect(shown(client)).toEqual(game.steps), {
    message: 'the client to show the whole game',
  });
