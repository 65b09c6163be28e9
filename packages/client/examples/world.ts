import { connect } from '@breakwater/client';

const [url = 'http://127.0.0.1:8081', token = ''] = process.argv.slice(2);
const client = await connect({ urls: [url], token });
const game = await client.games.quickMatch('world');
console.log(`player ${game.pid} in ${game.id}, hosted by ${game.pod}`);
const rows = (table: string) => [...game.replica.table(table).rows].map(([id, row]) => ({ id, ...row }));
const me = () => rows('players').find(({ id }) => id === game.pid) as Record<'x' | 'y' | 'xp', number>;
const distance = (row: { x?: unknown; y?: unknown }) =>
  Math.hypot(Number(row.x) - me().x, Number(row.y) - me().y);
const speed = (way: number) => Math.max(-7, Math.min(7, Math.round(way)));
game.on('owner', ({ fromPod, toPod }) => console.log(`the game moved from ${fromPod} to ${toPod}`));

while (me().xp === 0) {
  const [target] = rows('objects')
    .filter(({ hp }) => Number(hp) > 0)
    .sort((a, b) => distance(a) - distance(b));
  if (target === undefined) break;
  game.command('steer', { dx: speed(Number(target.x) - me().x), dy: speed(Number(target.y) - me().y) });
  if (distance(target) < 40) await game.command('hit', { object: target.id }).applied.catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 100));
}
console.log(`broke an object for ${me().xp} XP`);
await game.leave();
await client.close();
