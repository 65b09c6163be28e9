import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { GUEST_PATH } from '@breakwater/protocol';
import { signToken } from '@breakwater/testkit';
import { CommandError, messageOf } from '../command.ts';

/** A token for the player with this number. Another call for the same player gives the same user where it can. */
export type TokenIssuer = (player: number) => Promise<string>;

const GUEST_TIMEOUT_MS = 10_000;
const MAX_TOKENS = 100_000;

/** Guest tokens of a development installation; each call is another user. */
export function guestTokens(urls: readonly string[]): TokenIssuer {
  return async (player) => {
    const url = urls[player % urls.length] ?? '';
    const response = await requestGuest(url, nameOf(player));
    if (response.status === 404)
      throw new CommandError(
        `${url} gives no guest tokens (it is not in development mode): use --secret or --token-file.`,
      );
    if (!response.ok) throw new Error(`${url} refused a guest token with status ${response.status}`);
    const body: unknown = await response.json();
    const token: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'token') : undefined;
    if (typeof token !== 'string') throw new Error(`${url} answered something that is no guest token`);
    return token;
  };
}

async function requestGuest(url: string, name: string): Promise<Response> {
  try {
    return await fetch(new URL(GUEST_PATH, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name }),
      signal: AbortSignal.timeout(GUEST_TIMEOUT_MS),
    });
  } catch (error) {
    // What fetch throws says "fetch failed"; its cause says why.
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new Error(`${url} cannot be reached (${messageOf(cause)})`, { cause: error });
  }
}

/** Tokens signed with the secret that the edges check with. */
export function signedTokens(secret: string, run: string): TokenIssuer {
  return async (player) => signToken(secret, { user: userOf(run, player), name: nameOf(player) });
}

/** Who the signed token of a player is for. */
export const userOf = (run: string, player: number): string => `bot-${run}-${player}`;

/** Tokens from a file, one a line. @throws CommandError when the file cannot be read or has too few */
export async function fileTokens(file: string, players: number): Promise<TokenIssuer> {
  const tokens: string[] = [];
  try {
    for await (const line of createInterface({ input: createReadStream(file) })) {
      if (line.trim() !== '') tokens.push(line.trim());
      if (tokens.length >= MAX_TOKENS) break;
    }
  } catch (error) {
    throw new CommandError(`the tokens cannot be read: ${messageOf(error)}`);
  }
  if (tokens.length < players)
    throw new CommandError(`${file} has ${tokens.length} tokens and ${players} players need one each.`);
  return async (player) => tokens[player] ?? '';
}

const NAMES = [
  'Ada',
  'Bo',
  'Cleo',
  'Dov',
  'Ezra',
  'Fay',
  'Gus',
  'Hana',
  'Ines',
  'Joss',
  'Kit',
  'Lux',
] as const;

/** A display name that says that nobody is behind it. */
export function nameOf(player: number): string {
  return `${NAMES[player % NAMES.length]} bot ${player + 1}`;
}
