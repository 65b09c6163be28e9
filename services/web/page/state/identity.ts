/** Who the person is: a guest name and its token, kept per tab so that a reload is the same person. */

export interface Identity {
  readonly user: string;
  readonly name: string;
  readonly token: string;
  readonly expiresAt: number;
}

const KEY = 'breakwater.identity';

export function storedIdentity(): Identity | undefined {
  const text = sessionStorage.getItem(KEY);
  if (text === null) return undefined;
  const identity = JSON.parse(text) as Identity;
  return identity.expiresAt > Date.now() ? identity : undefined;
}

/** The name typed last, in any tab. */
export function lastName(): string {
  return localStorage.getItem('breakwater.name') ?? '';
}

/** Asks the edges in turn for a guest token. Throws an error whose message can be shown. */
export async function becomeGuest(edges: readonly string[], name: string): Promise<Identity> {
  let failure = 'No edge could be reached.';
  for (const edge of edges) {
    const answer = await requestGuest(edge, name);
    if (typeof answer !== 'string') {
      sessionStorage.setItem(KEY, JSON.stringify(answer));
      localStorage.setItem('breakwater.name', name);
      return answer;
    }
    failure = answer;
  }
  throw new Error(failure);
}

export function forgetIdentity(): void {
  sessionStorage.removeItem(KEY);
}

async function requestGuest(edge: string, name: string): Promise<Identity | string> {
  try {
    const response = await fetch(new URL('/v1/guest', edge), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name }),
    });
    const body = (await response.json()) as Identity & { message?: string };
    return response.ok ? body : (body.message ?? `The edge answered ${response.status}.`);
  } catch {
    return 'No edge could be reached.';
  }
}
