import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Kills whatever groups are still registered when its standard input ends, that is when this process is gone,
 * even by SIGKILL. One shell per process, started with the first child.
 */
const GUARD_SCRIPT = `
groups=" "
while read -r verb group; do
  case "$verb" in
    add) groups="$groups$group " ;;
    del) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
for group in $groups; do kill -KILL "-$group" 2>/dev/null; done
`;

let guard: ChildProcess | undefined;

function guardInput(): NodeJS.WritableStream {
  if (guard?.stdin?.writable) return guard.stdin;
  guard = spawn('sh', ['-c', GUARD_SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  const input = guard.stdin;
  if (input === null) throw new Error('the guard process has no standard input');
  // A guard that was killed from outside must not take its parent along.
  input.on('error', () => undefined);
  guard.on('error', () => undefined);
  guard.unref();
  if ('unref' in input && typeof input.unref === 'function') input.unref();
  return input;
}

/** Registers a process group to be killed when this process dies. */
export function guardGroup(groupId: number): void {
  guardInput().write(`add ${groupId}\n`);
}

/** Takes a group off the list once it is gone, so that a reused id is never killed. */
export function unguardGroup(groupId: number): void {
  guardInput().write(`del ${groupId}\n`);
}
