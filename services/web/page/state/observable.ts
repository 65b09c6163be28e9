/** A value holder that views can watch: `changed` calls every listener once per turn of the event loop. */

import { useEffect, useState } from 'preact/hooks';

export class Observable {
  readonly #listeners = new Set<() => void>();
  #isScheduled = false;

  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changed(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      for (const listener of this.#listeners) listener();
    });
  }
}

/** Renders the calling component again whenever `observable` changes. */
export function useObservable(observable: { watch(listener: () => void): () => void }): void {
  const [, setVersion] = useState(0);
  useEffect(() => observable.watch(() => setVersion((version) => version + 1)), [observable]);
}

/** Renders the calling component again every `periodMs`. */
export function useClock(periodMs: number): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), periodMs);
    return () => clearInterval(timer);
  }, [periodMs]);
  return now;
}

/** Whether a media query holds now. */
export function useMedia(query: string): boolean {
  const [isMatch, setMatch] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const update = () => setMatch(media.matches);
    update();
    media.addEventListener('change', update);
    return () => media.removeEventListener('change', update);
  }, [query]);
  return isMatch;
}
