/** One import of a file, static or dynamic. */
export interface Import {
  /** What is imported; undefined when it is computed at run time. */
  specifier: string | undefined;
  line: number;
  /** True when nothing is left of it at run time. */
  isTypeOnly: boolean;
}

// The formatter puts each static import at the beginning of a line and knows only quotes of this kind.
const STATIC = /^(?:import|export)\s+(type\s+)?[\w\s{},*$]*?\bfrom\s+'([^']+)'/gm;
const BARE = /^import\s+'([^']+)'/gm;
const DYNAMIC = /(?<![\w.$'`])import\(\s*(?:(['"`])([^'"`$]+)\1|([^)]))/g;

/** Every import of a TypeScript source; what is in a comment does not count. */
export function findImports(text: string): Import[] {
  const code = blankComments(text);
  const lineOf = (index: number) => code.slice(0, index).split('\n').length;
  const found: Import[] = [];
  for (const match of code.matchAll(STATIC)) {
    found.push({ specifier: match[2], line: lineOf(match.index), isTypeOnly: isTypeOnly(match[0]) });
  }
  for (const match of code.matchAll(BARE)) {
    found.push({ specifier: match[1], line: lineOf(match.index), isTypeOnly: false });
  }
  for (const match of code.matchAll(DYNAMIC)) {
    // `import('x').Name` in a type position looks the same; counting it as an import is the safe side.
    found.push({ specifier: match[2], line: lineOf(match.index), isTypeOnly: false });
  }
  return found;
}

/** `import type …`, or braces in which every name is a type. */
function isTypeOnly(statement: string): boolean {
  if (/^(?:import|export)\s+type\s/.test(statement)) return true;
  const braces = /^(?:import|export)\s*\{([^}]*)\}/.exec(statement)?.[1];
  const names = braces?.split(',').filter((name) => name.trim() !== '') ?? [];
  return names.length > 0 && names.every((name) => /^\s*type\s/.test(name));
}

/** Comments become spaces, so that places stay what they were. A `//` inside a string is left alone when a quote precedes it on its line. */
function blankComments(text: string): string {
  const blank = (comment: string) => comment.replaceAll(/[^\n]/g, ' ');
  return text
    .replaceAll(/^\s*\/\*[\s\S]*?\*\//gm, blank)
    .replaceAll(/^[^'"`\n]*?(\/\/.*)$/gm, (line, comment: string) => {
      return line.slice(0, line.length - comment.length) + blank(comment);
    });
}
