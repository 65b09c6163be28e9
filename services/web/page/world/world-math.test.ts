import { MAP } from '@breakwater/game-world/view';
import { describe, expect, it } from 'vitest';
import { Camera } from './camera.ts';
import { TickClock, Track } from './interpolation.ts';
import { Prediction } from './prediction.ts';

describe('the camera', () => {
  it('keeps a player anywhere on the map clear of the edge of the screen', () => {
    for (const [width, height] of [
      [390, 700],
      [850, 760],
      [2560, 1300],
    ] as const) {
      const camera = new Camera(MAP.width, MAP.height);
      camera.resize(width, height);
      for (const x of [0, 700, MAP.width - 1]) {
        for (const y of [0, 500, MAP.height - 1]) {
          camera.follow({ x, y });
          expect(camera.isVisible(camera.toScreen({ x, y }), -14 * camera.scale)).toBe(true);
        }
      }
    }
  });

  it('finds the place on the map under a place on the screen', () => {
    const camera = new Camera(MAP.width, MAP.height);
    camera.resize(900, 700);
    camera.follow({ x: 1_000, y: 600 });
    const point = camera.toMap(camera.toScreen({ x: 1_234, y: 567 }));
    expect(point.x).toBeCloseTo(1_234);
    expect(point.y).toBeCloseTo(567);
  });
});

describe('a track', () => {
  it('lies between its samples, and never beyond the last', () => {
    const track = new Track();
    track.add(0, 0, 0);
    track.add(50, 10, 20);
    expect(track.at(25)).toMatchObject({ x: 5, y: 10 });
    expect(track.at(500)).toMatchObject({ x: 10, y: 20 });
    expect(track.at(-500)).toMatchObject({ x: 0, y: 0 });
  });

  it('does not glide over the map after a leap', () => {
    const track = new Track();
    track.add(0, 0, 0);
    track.add(50, 900, 900);
    expect(track.at(25)).toMatchObject({ x: 900, y: 900 });
  });
});

describe('the clock of ticks', () => {
  it('takes the smallest delay for the truth, so that a late delta does not pull everybody back', () => {
    const clock = new TickClock(20);
    clock.arrived(100, 6_000);
    clock.arrived(101, 6_050 + 200);
    expect(clock.timeOf(102)).toBeLessThan(6_100 + 10);
  });

  it('starts anew after a pause of the game', () => {
    const clock = new TickClock(20);
    clock.arrived(100, 6_000);
    clock.arrived(101, 9_000);
    expect(clock.timeOf(101)).toBe(9_000);
  });
});

describe('the prediction of the own player', () => {
  it('moves at once, before the server has said so', () => {
    const prediction = new Prediction();
    prediction.committed({ x: 500, y: 500 }, 900);
    prediction.frame(1_000, 16);
    prediction.steer({ dx: 10, dy: 0 }, 1_000);
    const place = prediction.frame(1_050, 50);
    expect(place.x).toBeGreaterThan(505);
    expect(place.y).toBe(500);
  });

  it('comes to where the server says, when they disagree', () => {
    const prediction = new Prediction();
    prediction.committed({ x: 500, y: 500 }, 1_000);
    prediction.frame(1_000, 16);
    prediction.committed({ x: 560, y: 500 }, 1_050);
    let place = prediction.frame(1_066, 16);
    expect(place.x).toBeLessThan(560);
    for (let now = 1_082; now < 3_000; now += 16) place = prediction.frame(now, 16);
    expect(place.x).toBeCloseTo(560, 0);
  });
});
