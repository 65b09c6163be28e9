/** Socket.IO with its defaults (no compression of messages), everybody in one room. */

import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { runPeer } from './peer-process.ts';

const server = createServer();
const io = new Server(server, { transports: ['websocket'], perMessageDeflate: false });
io.on('connection', (socket) => socket.join('bench'));

await runPeer(server, (frame) => {
  io.to('bench').emit('message', frame);
});
