import { type ClientFrame, decodeClientFrame, encodeClientFrame, LIMITS } from '@breakwater/protocol';
import { BadArgumentError } from './errors.ts';
import type { RequestBody } from './net/link.ts';

const encoder = new TextEncoder();

/** Bytes that a frame takes on the wire. Throws `BadArgumentError` for one that any edge would refuse. */
export function checkedFrameBytes(
  frame: RequestBody | ClientFrame,
  maxFrameBytes: number = LIMITS.maxFrameBytes,
): number {
  const text = encodeClientFrame({ id: 0xffff_ffff, ...frame } as ClientFrame);
  const bytes = encoder.encode(text).length;
  // An edge closes the connection for good when one is larger, so it must not get that far.
  if (bytes > maxFrameBytes) throw new BadArgumentError(`the frame is over ${maxFrameBytes} bytes`);
  // Frames without an answer have no number, so it is taken out again for the check.
  const decoded = decodeClientFrame(isNumberless(frame) ? encodeClientFrame(frame as ClientFrame) : text);
  if (!decoded.ok) throw new BadArgumentError(decoded.error.sentence);
  return bytes;
}

/** Throws `BadArgumentError` for a text that cannot be a message. */
export function checkText(text: string, maxTextBytes: number): void {
  if (text === '') throw new BadArgumentError('text: must not be empty');
  if (!text.isWellFormed() || text.includes('\0'))
    throw new BadArgumentError('text: must be well-formed and without NUL');
  if (encoder.encode(text).length > maxTextBytes)
    throw new BadArgumentError(`text: is over ${maxTextBytes} bytes`);
}

function isNumberless(frame: RequestBody | ClientFrame): boolean {
  return frame.t === 'game.command' || frame.t === 'room.typing';
}
