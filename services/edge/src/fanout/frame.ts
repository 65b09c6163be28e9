/**
 * A finished server frame: WebSocket header and payload in one buffer, never masked, never compressed, never a
 * fragment. The buffer is built once and its identity stands for it: recipients of the same frames share bytes.
 */
export type Frame = Buffer;

const FINAL_TEXT = 0x81;
const FINAL_BINARY = 0x82;

function headerLength(payloadBytes: number): number {
  if (payloadBytes < 126) return 2;
  return payloadBytes < 65_536 ? 4 : 10;
}

function withHeader(firstByte: number, payloadBytes: number): { frame: Buffer; at: number } {
  const at = headerLength(payloadBytes);
  const frame = Buffer.allocUnsafe(at + payloadBytes);
  frame[0] = firstByte;
  if (at === 2) {
    frame[1] = payloadBytes;
  } else if (at === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(payloadBytes, 2);
  } else {
    frame[1] = 127;
    frame.writeUInt32BE(Math.floor(payloadBytes / 0x1_0000_0000), 2);
    frame.writeUInt32BE(payloadBytes >>> 0, 6);
  }
  return { frame, at };
}

export function textFrame(text: string): Frame {
  const { frame, at } = withHeader(FINAL_TEXT, Buffer.byteLength(text));
  frame.write(text, at, 'utf8');
  return frame;
}

export function binaryFrame(bytes: Uint8Array): Frame {
  const { frame, at } = withHeader(FINAL_BINARY, bytes.length);
  frame.set(bytes, at);
  return frame;
}

/** A ping without a body. Control frames may stand between any two whole frames. */
export const PING_FRAME: Frame = Buffer.from([0x89, 0x00]);
