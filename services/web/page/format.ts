/** How times, numbers and people are shown. */

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });

/** `now`, `3 min`, then the clock time, then the date. */
export function relativeTime(timeMs: number, nowMs: number): string {
  const age = nowMs - timeMs;
  if (age < 45_000) return 'now';
  if (age < 3_600_000) return `${Math.max(1, Math.round(age / 60_000))} min`;
  return age < 20 * 3_600_000 ? clock.format(timeMs) : day.format(timeMs);
}

export function exactTime(timeMs: number): string {
  return exact.format(timeMs);
}

const whole = new Intl.NumberFormat();

/** A number with its thousands set apart. */
export function grouped(value: number): string {
  return whole.format(value);
}

export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A steady hue for a person, the same on every screen. */
export function hueOf(user: string): number {
  let hash = 7;
  for (let index = 0; index < user.length; index++) hash = (Math.imul(hash, 31) + user.charCodeAt(index)) | 0;
  return Math.abs(hash) % 360;
}

export function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]?.slice(0, 2)];
  return letters
    .map((word) => (words.length > 1 ? (Array.from(word ?? '')[0] ?? '') : (word ?? '')))
    .join('')
    .toUpperCase();
}
