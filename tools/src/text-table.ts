/** Lays rows out in columns; numbers stand at the right. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const isNumeric = head.map((_, column) => rows.every((row) => /^\d*$/.test(row[column] ?? '')));
  const render = (row: readonly string[]) => {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return isNumeric[column] ? cell.padStart(width) : cell.padEnd(width);
    });
    return `  ${cells.join('  ')}`.trimEnd();
  };
  const rule = widths.map((width) => '─'.repeat(width));
  return [render(head), `  ${rule.join('  ')}`, ...rows.map(render)].join('\n');
}
