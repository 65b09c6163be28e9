/** One subcommand of `breakwater`. */
export interface Command {
  /** What `breakwater <name> --help` prints: usage, then options. */
  readonly help: string;
  /** @returns the exit code */
  run(args: readonly string[]): Promise<number>;
}

/** Something the person at the keyboard can mend: said in one sentence, without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
