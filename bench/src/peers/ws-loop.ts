/** A plain `ws` server: each message is encoded once and sent to each socket in a loop. */

import { createServer } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import { runPeer } from './peer-process.ts';

const server = createServer();
const sockets = new Set<WebSocket>();
new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket) => {
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
});

await runPeer(server, (frame) => {
  const text = JSON.stringify(frame);
  for (const socket of sockets) socket.send(text);
});
