import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './paths.ts';

export interface Section {
  readonly title: string;
  readonly level: number;
  readonly text: string;
}

/** A page of the folder `docs`. */
export function readDoc(name: string): string {
  return readFileSync(join(projectRoot, 'docs', name), 'utf8');
}

/** A document cut at its headings; code blocks are left alone. */
export function sectionsOf(document: string): Section[] {
  const found: { title: string; level: number; lines: string[] }[] = [];
  let isCode = false;
  for (const line of document.split('\n')) {
    if (line.startsWith('```')) isCode = !isCode;
    const heading = isCode ? null : /^(#{1,4}) (.*)$/.exec(line);
    if (heading !== null) found.push({ title: heading[2]!, level: heading[1]!.length, lines: [] });
    else found.at(-1)?.lines.push(line);
  }
  return found.map(({ title, level, lines }) => ({ title, level, text: lines.join('\n') }));
}

/** The sections below the heading `title`, up to the next one of its level. */
export function sectionsBelow(document: string, title: string): Section[] {
  const sections = sectionsOf(document);
  const from = sections.findIndex((section) => section.title === title);
  if (from === -1) throw new Error(`the document has no heading "${title}"`);
  const rest = sections.slice(from + 1);
  const end = rest.findIndex((section) => section.level <= sections[from]!.level);
  return end === -1 ? rest : rest.slice(0, end);
}

export function sectionText(document: string, title: string): string {
  const section = sectionsOf(document).find((candidate) => candidate.title === title);
  if (section === undefined) throw new Error(`the document has no heading "${title}"`);
  return section.text;
}

/** The cells of the first table of a text, without its heading rows and without code marks. */
export function tableOf(text: string): string[][] {
  const lines = text.split('\n');
  const from = lines.findIndex((line) => /^\|[-| ]+\|$/.test(line));
  if (from === -1) throw new Error('there is no table');
  const rest = lines.slice(from + 1);
  const end = rest.findIndex((line) => !line.startsWith('|'));
  return rest.slice(0, end === -1 ? rest.length : end).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

/** Code blocks by what stands behind their language: `hex part-state` is found as `part-state`. */
export function blocksOf(document: string): Map<string, string> {
  const blocks = [...document.matchAll(/^```(?:hex|json) ([\w-]+)\n(.*?)^```$/gms)];
  return new Map(blocks.map(([, name, text]) => [name!, text!]));
}

/** The bytes of a hex block; a line's words after `#` are for people. */
export function bytesOf(block: string): Uint8Array {
  const digits = block.replaceAll(/#.*$/gm, '').replaceAll(/\s+/g, '');
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
