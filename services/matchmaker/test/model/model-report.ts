import type { HostedGame } from '@breakwater/bus';

/** Heartbeats that repeat the line of a game that is over. */
const REPEATS = 10;

/** What the heartbeats of a process in the model say of its games: each line when it changed, who came, what is over. */
export class ModelReport {
  #told: ReadonlyMap<string, HostedGame> = new Map();
  readonly #joined = new Map<string, readonly string[]>();
  #over: readonly { readonly line: HostedGame; readonly left: number }[] = [];

  joined(game: string, user: string): void {
    this.#joined.set(game, [...(this.#joined.get(game) ?? []), user]);
  }

  over(line: HostedGame): void {
    this.#over = [...this.#over.filter((over) => over.line.game !== line.game), { line, left: REPEATS }];
  }

  next(hosted: readonly HostedGame[]): HostedGame[] {
    const now = new Map(hosted.map((line) => [line.game, line]));
    const isNews = (line: HostedGame) => !isSame(line, this.#told.get(line.game));
    const news = hosted.filter((line) => isNews(line) || this.#joined.has(line.game));
    const changed = news.map((line) => {
      const joined = this.#joined.get(line.game);
      return joined === undefined ? line : { ...line, joined: [...new Set(joined)] };
    });
    const over = this.#over.filter(({ line }) => !now.has(line.game));
    this.#over = over.map(({ line, left }) => ({ line, left: left - 1 })).filter(({ left }) => left > 0);
    this.#told = now;
    this.#joined.clear();
    return [...changed, ...over.map(({ line }) => line)];
  }
}

function isSame(line: HostedGame, told: HostedGame | undefined): boolean {
  return told?.epoch === line.epoch && told.state === line.state && told.players === line.players;
}
