import type { AnyRows } from '@breakwater/game-kit/replica';
import type { GameInfo } from '@breakwater/protocol';
import type { CreateGameOptions, Game, GamesApi } from './api.ts';
import { randomWord } from './domain/message-ids.ts';
import { BadArgumentError } from './errors.ts';
import { checkedFrameBytes } from './frame-check.ts';
import { JoinedGame } from './game.ts';
import type { Session } from './session.ts';
import { withinTime } from './within-time.ts';

const KEY_LENGTH = 20;

export class Games implements GamesApi {
  readonly #session: Session;
  readonly #joined = new Map<string, JoinedGame>();

  constructor(session: Session) {
    this.#session = session;
  }

  get joined(): readonly Game[] {
    return [...this.#joined.values()];
  }

  async list(type?: string): Promise<GameInfo[]> {
    const body = { t: 'game.list', ...(type !== undefined && { type }) } as const;
    return (await this.#session.requests.ask(body, 'game.list', true)).games;
  }

  async create(type: string, options: CreateGameOptions = {}): Promise<GameInfo> {
    const { key = this.#newKey(), title, options: gameOptions } = options;
    const body = {
      t: 'game.create',
      key,
      type,
      ...(title !== undefined && { title }),
      ...(gameOptions !== undefined && { options: { ...gameOptions } }),
    } as const;
    return (await this.#session.requests.ask(body, 'game.created', true)).info;
  }

  async quickMatch<Rows = AnyRows>(type: string): Promise<Game<Rows>> {
    const body = { t: 'game.quick', key: this.#newKey(), type } as const;
    const { info } = await this.#session.requests.ask(body, 'game.created', true);
    return this.join<Rows>(info.game);
  }

  async join<Rows = AnyRows>(id: string, options: { readonly spectate?: boolean } = {}): Promise<Game<Rows>> {
    if (this.#session.isClosed) throw this.#session.error;
    const { spectate = false } = options;
    checkedFrameBytes({ t: 'game.leave', game: id });
    const known = this.#joined.get(id);
    if (known !== undefined && known.isSpectator !== spectate)
      throw new BadArgumentError('the game is joined already, the other way; leave it first');
    const game = known ?? this.#add(new JoinedGame(this.#session, id, spectate));
    const abandon = () => void game.leave();
    await withinTime(this.#session.settings, 'game.join', game.first, abandon, () => game.refusal);
    return game as unknown as Game<Rows>;
  }

  #newKey(): string {
    return randomWord(KEY_LENGTH, this.#session.settings.random);
  }

  #add(game: JoinedGame): JoinedGame {
    this.#joined.set(game.id, game);
    game.onEnd = () => {
      if (this.#joined.get(game.id) === game) this.#joined.delete(game.id);
    };
    void this.#session.add(game);
    return game;
  }
}
