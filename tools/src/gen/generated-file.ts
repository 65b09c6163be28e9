const BEGIN = (name: string) => `<!-- generated: ${name} (npm run gen) -->`;
const END = (name: string) => `<!-- end: ${name} -->`;

/** The block as it stands in a file: marks with the text between them. */
export function generatedBlock(name: string, body: string): string {
  return `${BEGIN(name)}\n\n${body.trim()}\n\n${END(name)}`;
}

/**
 * Puts a new body between the marks of a block and leaves everything around it alone.
 *
 * @throws Error when the text has not exactly one block of this name
 */
export function replaceBlock(text: string, name: string, body: string): string {
  const begin = text.indexOf(BEGIN(name));
  const end = text.indexOf(END(name));
  const isUnique = begin === text.lastIndexOf(BEGIN(name)) && end === text.lastIndexOf(END(name));
  if (begin < 0 || end < begin || !isUnique) {
    throw new Error(`there must be one "${BEGIN(name)}" … "${END(name)}"`);
  }
  return `${text.slice(0, begin)}${generatedBlock(name, body)}${text.slice(end + END(name).length)}`;
}
