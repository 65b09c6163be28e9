/** Close codes, and what a client does about each. */

export type CloseAction = 'stop' | 'reconnect' | 'refresh_token';

export interface CloseEntry {
  readonly code: number;
  readonly action: CloseAction;
  readonly meaning: string;
}

export const CLOSE = {
  normal: { code: 1000, action: 'reconnect', meaning: 'Closed by the other side without a fault.' },
  goingAway: { code: 1001, action: 'reconnect', meaning: 'The peer goes away.' },
  protocolError: { code: 1002, action: 'stop', meaning: 'The WebSocket framing was broken.' },
  unsupportedData: { code: 1003, action: 'stop', meaning: 'A binary frame where text was expected.' },
  invalidText: { code: 1007, action: 'stop', meaning: 'A text frame was not UTF-8.' },
  policy: { code: 1008, action: 'stop', meaning: 'Too many fragments or buffered chunks.' },
  tooLarge: { code: 1009, action: 'stop', meaning: 'A frame was over maxFrameBytes.' },
  restart: { code: 1012, action: 'reconnect', meaning: 'The edge restarts; come back and resume.' },
  tooSlow: { code: 4400, action: 'reconnect', meaning: 'The client read too slowly; come back and resume.' },
  tokenExpired: {
    code: 4401,
    action: 'refresh_token',
    meaning: 'The token expired; come back with a new one.',
  },
  silent: { code: 4402, action: 'reconnect', meaning: 'Nothing was heard from the client in time.' },
  badProtocol: { code: 4500, action: 'stop', meaning: 'Too many invalid frames in a row.' },
  sessionEnded: {
    code: 4501,
    action: 'stop',
    meaning: 'The session was ended or revoked. Reserved: no edge sends it yet.',
  },
  abuse: { code: 4529, action: 'stop', meaning: 'The client ignored its rate limit.' },
} as const satisfies Record<string, CloseEntry>;

/** What to do after a close with `code`, also for codes that are not in the table. */
export function closeAction(code: number): CloseAction {
  if (code === CLOSE.tokenExpired.code) return 'refresh_token';
  const isFinal =
    code === 1002 || code === 1003 || (code >= 1007 && code <= 1009) || (code >= 4500 && code <= 4999);
  return isFinal ? 'stop' : 'reconnect';
}
