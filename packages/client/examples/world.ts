import { connect } from '@breakwater/client';

const [url = 'http://127.0.0.1:8081', token = ''] = process.argv.slice(2);
const client = await connect({ urls: [url], token });
const game = await client.games.quickMatch('world');
console.log(`player ${game.pid} in ${game.id}, hosted by ${game.pod}`);
