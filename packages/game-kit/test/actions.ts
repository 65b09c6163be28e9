import fc from 'fast-check';
import type { CommandResult, GameInstance } from '../src/index.ts';
import type { sample } from './sample-game.ts';

type SampleInstance = GameInstance<NonNullable<(typeof sample)['types']>['tables']>;

/** Something that can happen to a game; players and things are chosen by a number that is wrapped to what is there. */
export type Action =
  | { readonly do: 'join'; readonly user: number; readonly name: string }
  | { readonly do: 'late join'; readonly user: number }
  | { readonly do: 'drop' | 'return' | 'leave'; readonly user: number }
  | { readonly do: 'command'; readonly user: number; readonly name: string; readonly args: unknown }
  | { readonly do: 'step' };

const user = fc.integer({ min: 0, max: 5 });

const commandOf = (name: string, args: fc.Arbitrary<unknown>): fc.Arbitrary<Action> =>
  fc.record({ do: fc.constant('command' as const), user, name: fc.constant(name), args });

export const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('step' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('join' as const),
      user,
      name: fc.constantFrom('Ann', 'Böb', 'nobody', 'thrower', '\ufeffé'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('late join' as const), user }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('drop', 'return', 'leave'), user }) },
  {
    weight: 8,
    arbitrary: fc.oneof(
      commandOf(
        'move',
        fc.record({ dx: fc.integer({ min: -6, max: 6 }), dy: fc.integer({ min: -5, max: 5 }) }),
      ),
      commandOf(
        'say',
        fc.record({ title: fc.oneof(fc.string({ maxLength: 18, unit: 'binary' }), fc.constant('\ud800')) }),
      ),
      commandOf('hit', fc.record({ thing: fc.integer({ min: 1, max: 40 }) })),
      commandOf('draw', fc.constant({})),
      commandOf('give', fc.record({ to: fc.integer({ min: 1, max: 8 }) })),
      commandOf('wreck', fc.record({ how: fc.constantFrom('throw', 'reject', 'range') })),
      commandOf('nonsense', fc.jsonValue()),
    ),
  },
);

/** Plays actions on an instance, keeping the numbers that clients would keep. */
export class Driver {
  readonly instance: SampleInstance;
  /** What happened, to see that a test has met it. */
  readonly outcomes = new Set<string>();
  private nextJoin = 1;

  constructor(instance: SampleInstance) {
    this.instance = instance;
  }

  play(action: Action): void {
    if (action.do === 'step') {
      this.step();
      return;
    }
    const name = `user-${action.user}`;
    const seat = this.instance.seatOf(name);
    if (action.do === 'join') {
      this.outcomes.add(this.instance.join({ user: name, name: action.name, join: this.nextJoin++ }).kind);
    } else if (action.do === 'late join') {
      this.outcomes.add(
        `late ${this.instance.join({ user: name, name: 'late', join: seat?.join ?? 1 }).kind}`,
      );
    } else if (seat !== undefined) {
      this.playSeated(action, seat);
    }
  }

  private step(): void {
    const { seated } = this.instance.players;
    this.instance.step();
    if (this.instance.players.seated < seated) this.outcomes.add('seat expired');
  }

  private note(name: string, result: CommandResult): void {
    this.outcomes.add(`${name} ${typeof result === 'string' ? result : result.rejected}`);
  }

  private playSeated(
    action: Extract<Action, { do: 'drop' | 'return' | 'leave' | 'command' }>,
    { pid, join, ack }: { pid: number; join: number; ack: number },
  ): void {
    switch (action.do) {
      case 'drop':
        this.instance.disconnected(pid, join);
        return;
      case 'return':
        this.instance.reconnected(pid, join);
        return;
      case 'leave':
        this.instance.leave(pid, join);
        return;
      case 'command':
        this.note(action.name, this.instance.command(pid, ack + 1, action.name, action.args));
        return;
      default:
        action satisfies never;
    }
  }
}
