/** Inline icons, drawn on a 24-unit grid with one stroke. Decorative: the text beside them says the same. */

const PATHS = {
  wave: 'M3 9c2.2-2 4.3-2 6.5 0s4.3 2 6.5 0 3.3-1.6 5-1M3 15c2.2-2 4.3-2 6.5 0s4.3 2 6.5 0 3.3-1.6 5-1',
  hash: 'M5 9h15M4 15h15M10 4 8 20M16 4l-2 16',
  world: 'M4 7.5 12 3l8 4.5v9L12 21l-8-4.5zM4 7.5l8 4.5 8-4.5M12 12v9',
  back: 'M15 5l-7 7 7 7',
  people:
    'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c.5-3.5 3-5.5 6.5-5.5s6 2 6.5 5.5M16 4.5a3.5 3.5 0 0 1 0 6.5M18 15c2 .7 3.2 2.4 3.5 5',
  send: 'M4 12 20 4l-5 16-4-6.5zM11 13.5 20 4',
  check: 'M5 12.5 10 17 19 7',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3 2',
  alert: 'M12 4 2.5 20h19zM12 10v4M12 17v.1',
  down: 'M6 9l6 6 6-6',
  plus: 'M12 5v14M5 12h14',
  theme: 'M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9z',
  home: 'M4 11 12 4l8 7v9h-5v-6H9v6H4z',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
