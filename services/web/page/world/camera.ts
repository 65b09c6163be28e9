/** The part of the map on the screen: follows a point, never leaves the map, fits phones and wide screens. */

import type { Point } from './interpolation.ts';

/** Map units that the shorter side of the screen shows. */
const SHORT_SIDE_UNITS = 680;
/** Map units that may be seen beyond the map, so that a player at its edge stands clear of the screen's. */
const MARGIN = 60;

export class Camera {
  scale = 1;
  #x = 0;
  #y = 0;
  #width = 1;
  #height = 1;
  readonly #mapWidth: number;
  readonly #mapHeight: number;

  constructor(mapWidth: number, mapHeight: number) {
    this.#mapWidth = mapWidth;
    this.#mapHeight = mapHeight;
  }

  resize(width: number, height: number): void {
    this.#width = width;
    this.#height = height;
    this.scale = Math.max(0.4, Math.min(width, height) / SHORT_SIDE_UNITS);
  }

  follow(target: Point): void {
    this.#x = clampCentre(target.x, this.#width / this.scale, this.#mapWidth);
    this.#y = clampCentre(target.y, this.#height / this.scale, this.#mapHeight);
  }

  toScreen(point: Point): Point {
    return {
      x: (point.x - this.#x) * this.scale + this.#width / 2,
      y: (point.y - this.#y) * this.scale + this.#height / 2,
    };
  }

  toMap(screen: Point): Point {
    return {
      x: (screen.x - this.#width / 2) / this.scale + this.#x,
      y: (screen.y - this.#height / 2) / this.scale + this.#y,
    };
  }

  isVisible(screen: Point, margin: number): boolean {
    return (
      screen.x > -margin &&
      screen.y > -margin &&
      screen.x < this.#width + margin &&
      screen.y < this.#height + margin
    );
  }
}

/** Centres the map where it is smaller than the screen, else keeps the view inside it and its margin. */
function clampCentre(centre: number, shown: number, size: number): number {
  const least = shown / 2 - MARGIN;
  const most = size - shown / 2 + MARGIN;
  return least >= most ? size / 2 : Math.min(Math.max(centre, least), most);
}
