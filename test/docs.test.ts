import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
}).split('\n');
const pages = tracked.filter((path) => path.endsWith('.md') && existsSync(join(root, path)));

/** Targets of relative links and pictures, without their anchors. */
function linksOf(markdown: string): string[] {
  const prose = markdown.replaceAll(/```[\s\S]*?```/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target.split('#')[0] ?? '')
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target));
}

describe('the documents', () => {
  it.each(pages)('%s links only to what is there', (page) => {
    const missing = linksOf(read(page)).filter((target) => !existsSync(join(root, dirname(page), target)));
    expect(missing).toEqual([]);
  });

  it('show in the README the very example that the tests run', () => {
    const [, example] = /```ts\n([\s\S]*?)```/.exec(read('README.md')) ?? [];
    expect(example).toBe(read('packages/client/examples/chat.ts'));
  });

  it('name in the architecture only files that there are', () => {
    const named = [...read('docs/architecture.md').matchAll(/`([a-z][a-z/.-]*\.ts)`/g)].map(
      ([, path = '']) => path,
    );
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((path) => !tracked.some((file) => file.endsWith(path)))).toEqual([]);
  });
});
