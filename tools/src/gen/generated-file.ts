/** How comments are written where a block stands. */
export type CommentStyle = 'html' | 'hash';

function marks(name: string, style: CommentStyle): { begin: string; end: string } {
  const begin = `generated: ${name} (npm run gen)`;
  const end = `end: ${name}`;
  return style === 'html'
    ? { begin: `<!-- ${begin} -->`, end: `<!-- ${end} -->` }
    : { begin: `# ${begin}`, end: `# ${end}` };
}

/** The block as it stands in a file: marks with the text between them. */
export function generatedBlock(name: string, body: string, style: CommentStyle = 'html'): string {
  const { begin, end } = marks(name, style);
  const gap = style === 'html' ? '\n\n' : '\n';
  return `${begin}${gap}${style === 'html' ? body.trim() : body.trimEnd()}${gap}${end}`;
}

/**
 * Puts a new body between the marks of a block and leaves everything around it alone.
 *
 * @throws Error when the text has not exactly one block of this name
 */
export function replaceBlock(text: string, name: string, body: string, style: CommentStyle = 'html'): string {
  const mark = marks(name, style);
  const begin = text.indexOf(mark.begin);
  const end = text.indexOf(mark.end);
  const isUnique = begin === text.lastIndexOf(mark.begin) && end === text.lastIndexOf(mark.end);
  if (begin < 0 || end < begin || !isUnique) {
    throw new Error(`there must be one "${mark.begin}" … "${mark.end}"`);
  }
  const after = text.slice(end + mark.end.length);
  return `${text.slice(0, begin)}${generatedBlock(name, body, style)}${after}`;
}
