/** Keyboard, mouse and touch become two intentions: where to walk, and what to hit. */

import { type Velocity, velocityFromKeys, velocityToward } from '@breakwater/game-world/view';
import type { Point } from './interpolation.ts';

const KEYS: { readonly [code: string]: Point } = {
  ArrowUp: { x: 0, y: -1 },
  KeyW: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
  KeyS: { x: 0, y: 1 },
  ArrowLeft: { x: -1, y: 0 },
  KeyA: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  KeyD: { x: 1, y: 0 },
};

export class Input {
  readonly #held = new Set<string>();
  #isHitKey = false;
  /** Where the pointer is pressed, in canvas pixels. */
  #pointer: Point | undefined;
  readonly #stop = new AbortController();

  constructor(canvas: HTMLCanvasElement) {
    const { signal } = this.#stop;
    canvas.addEventListener('keydown', (event) => this.#onKey(event, true), { signal });
    canvas.addEventListener('keyup', (event) => this.#onKey(event, false), { signal });
    canvas.addEventListener('blur', () => this.release(), { signal });
    canvas.addEventListener('pointerdown', (event) => this.#onPointer(event, canvas), { signal });
    canvas.addEventListener('pointermove', (event) => this.#pointer && this.#onPointer(event, canvas), {
      signal,
    });
    for (const type of ['pointerup', 'pointercancel'] as const) {
      canvas.addEventListener(type, () => (this.#pointer = undefined), { signal });
    }
  }

  /** Canvas pixels of the pressed pointer. */
  get pointer(): Point | undefined {
    return this.#pointer;
  }

  get wantsHit(): boolean {
    return this.#isHitKey || this.#pointer !== undefined;
  }

  /** Keys first; else towards the pressed pointer, given as the vector from the player to it in map units. */
  velocity(toPointer: Point | undefined, stopWithin: number): Velocity {
    const keys = [...this.#held].map((code) => KEYS[code]!);
    const x = Math.sign(keys.reduce((sum, key) => sum + key.x, 0));
    const y = Math.sign(keys.reduce((sum, key) => sum + key.y, 0));
    if (x !== 0 || y !== 0) return velocityFromKeys(x, y);
    if (toPointer === undefined || Math.hypot(toPointer.x, toPointer.y) < stopWithin) return { dx: 0, dy: 0 };
    return velocityToward(toPointer.x, toPointer.y);
  }

  release(): void {
    this.#held.clear();
    this.#isHitKey = false;
    this.#pointer = undefined;
  }

  dispose(): void {
    this.#stop.abort();
  }

  #onKey(event: KeyboardEvent, isDown: boolean): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.code === 'Space') this.#isHitKey = isDown;
    else if (KEYS[event.code] === undefined) return;
    else if (isDown) this.#held.add(event.code);
    else this.#held.delete(event.code);
    event.preventDefault();
  }

  #onPointer(event: PointerEvent, canvas: HTMLCanvasElement): void {
    const { left, top } = canvas.getBoundingClientRect();
    this.#pointer = { x: event.clientX - left, y: event.clientY - top };
    if (event.type === 'pointerdown') {
      canvas.focus({ preventScroll: true });
      canvas.setPointerCapture(event.pointerId);
    }
  }
}
