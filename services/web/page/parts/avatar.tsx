import { hueOf, initials } from '../format.ts';

/** A person's initials on their own colour; decorative, the name stands beside it. */
export function Avatar({ user, name, isTiny = false }: { user: string; name: string; isTiny?: boolean }) {
  return (
    <span
      class={isTiny ? 'avatar tiny' : 'avatar'}
      style={{ background: `hsl(${hueOf(user)} 45% 42%)` }}
      aria-hidden="true"
    >
      {initials(name)}
    </span>
  );
}
