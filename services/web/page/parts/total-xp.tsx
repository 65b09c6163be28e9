import { grouped } from '../format.ts';
import { useApp } from '../state/context.ts';

/** What all games together gave the person on this page; nothing until it is known. */
export function TotalXp() {
  const { session } = useApp();
  const total = session.client?.people.total;
  if (total === undefined) return null;
  return (
    <span class="muted small" data-testid="total-xp" title="XP from all games">
      {grouped(total)} XP
    </span>
  );
}
