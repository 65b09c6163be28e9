import { useObservable } from '../state/observable.ts';
import type { Player } from './player.ts';

/** Rows of one table that are shown. */
const SHOWN_ROWS = 50;

/** A game type that this page cannot draw: its tables as they are. */
export function Tables({ player }: { player: Player }) {
  useObservable(player);
  const tables = [...player.game.replica.tables.values()].filter(
    ({ schema }) => schema.visibility === 'all' && !schema.transient,
  );
  return (
    <div class="watch-tables">
      {tables.map(({ schema, rows }) => (
        <section key={schema.name}>
          <h2>
            {schema.name} ({rows.size})
          </h2>
          <pre>
            {[...rows]
              .slice(0, SHOWN_ROWS)
              .map(([id, row]) => `${id} ${JSON.stringify(row)}`)
              .join('\n')}
          </pre>
        </section>
      ))}
    </div>
  );
}
