import type { Client } from '@breakwater/client';

const GAME_TYPE = 'world';

export interface GameChoice {
  /** Games to make and share the bots among; 0: any game with a free seat. */
  readonly games: number;
  /** A game that there is; it wins. */
  readonly game?: string | undefined;
}

/** Says which game a bot joins. The games of a run are made once, by whoever comes first. */
export class GameChooser {
  readonly #choice: GameChoice;
  readonly #run: string;
  #made: Promise<readonly string[]> | undefined;

  constructor(choice: GameChoice, run: string) {
    this.#choice = choice;
    this.#run = run;
  }

  /** @throws BreakwaterError when no game can be made */
  async gameFor(client: Client, player: number): Promise<string> {
    const { game, games } = this.#choice;
    if (game !== undefined) return game;
    if (games === 0) return this.anyGame(client);
    this.#made ??= this.#make(client).catch((error: unknown) => {
      this.#made = undefined;
      throw error;
    });
    const made = await this.#made;
    return made[player % made.length] ?? '';
  }

  /** A game with a free seat, also when the chosen one is full or over. */
  async anyGame(client: Client): Promise<string> {
    const joined = await client.games.quickMatch(GAME_TYPE);
    return joined.id;
  }

  async #make(client: Client): Promise<readonly string[]> {
    const made: string[] = [];
    for (let index = 0; index < this.#choice.games; index++) {
      const options = { key: `${this.#run}-${index}`, title: `Bots ${index + 1}` };
      made.push((await client.games.create(GAME_TYPE, options)).game);
    }
    return made;
  }
}
