import { connect } from '@breakwater/client';

const [url = 'http://127.0.0.1:8081', token = '', text = 'Hello from ten lines.'] = process.argv.slice(2);
const client = await connect({ urls: [url], token });
const room = await client.rooms.join('general');
room.on('message', (message) => console.log(`${message.name}: ${message.text}`));
const { seq } = await room.send(text);
console.log(`stored as ${seq}`);
await client.close();
