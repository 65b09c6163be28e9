import { connect } from '@breakwater/client';

type Place = { readonly x: number; readonly y: number };
type Rows = { players: Place & { xp: number }; objects: Place & { hp: number } };
const [url = 'http://127.0.0.1:8081', token = ''] = process.argv.slice(2);
const client = await connect({ urls: [url], token });
const game = await client.games.quickMatch<Rows>('world');
console.log(`player ${game.pid} in ${game.id}, hosted by ${game.pod}`);
const me = () => game.replica.table('players').rows.get(game.pid ?? 0) ?? { x: 0, y: 0, xp: 0 };
const distance = ({ x, y }: Place) => Math.hypot(x - me().x, y - me().y);
const speed = (way: number) => Math.max(-7, Math.min(7, Math.round(way)));
while (me().xp === 0) {
  const whole = [...game.replica.table('objects').rows].filter(([, { hp }]) => hp > 0);
  const [id, target] = whole.reduce((a, b) => (distance(b[1]) < distance(a[1]) ? b : a));
  game.command('steer', { dx: speed(target.x - me().x), dy: speed(target.y - me().y) });
  if (distance(target) < 40) await game.command('hit', { object: id }).applied.catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 100));
}
console.log(`broke an object for ${me().xp} XP`);
await client.close();
