import { LIMITS, PROTOCOL_VERSION, ProtocolError } from '@breakwater/protocol';
import type { Connection } from './connection.ts';
import type { FrameHandler } from './control.ts';
import type { EdgeDeps } from './deps.ts';
import type { Tokens } from './tokens.ts';

interface SessionHandlers {
  readonly ping: FrameHandler<'ping'>;
  readonly auth: FrameHandler<'auth'>;
}

/** What concerns the connection itself: the greeting, pings of the client, a new token. */
export class Sessions {
  readonly #deps: EdgeDeps;
  readonly #tokens: Tokens;

  constructor(deps: EdgeDeps, tokens: Tokens) {
    this.#deps = deps;
    this.#tokens = tokens;
  }

  get handlers(): SessionHandlers {
    return {
      ping: (connection, { id }) => {
        this.#deps.delivery.send(connection, { t: 'pong', id, time: this.#deps.clock.unixMs() });
      },
      auth: (connection, { id, token }) => this.#refresh(connection, id, token),
    };
  }

  welcome(connection: Connection): void {
    const { config, clock, edge, delivery } = this.#deps;
    delivery.send(connection, {
      t: 'welcome',
      version: PROTOCOL_VERSION,
      session: connection.session,
      user: connection.user,
      name: connection.name,
      edge,
      time: clock.unixMs(),
      pingMs: config.pingIntervalMs,
      tokenExpiresAt: connection.identity.tokenExpiresAtMs,
      limits: {
        maxFrameBytes: config.maxFrameBytes,
        maxTextBytes: LIMITS.maxTextBytes,
        framesPerSecond: config.framesPerSecond,
        frameBurst: config.frameBurst,
        maxInFlight: config.maxInFlight,
      },
    });
  }

  async #refresh(connection: Connection, id: number, token: string): Promise<void> {
    const claims = await this.#tokens.verify(token);
    if (claims.user !== connection.user) throw new ProtocolError('forbidden');
    connection.identity.tokenExpiresAtMs = claims.expiresAtMs;
    this.#deps.log.info(
      { event: 'refresh', session: connection.session, user: connection.user },
      'token refreshed',
    );
    this.#deps.delivery.send(connection, { t: 'ok', id });
  }
}
