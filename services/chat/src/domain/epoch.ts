/**
 * The incarnation of a stream as a short string, from its creation time (RFC 3339 with up to nine decimals).
 * Two streams of one name have different epochs, however soon the second was made.
 */
export function epochOf(created: string): string {
  const match = /^(.+?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(created);
  const seconds = match === null ? Number.NaN : Date.parse(`${match[1]}${match[3]}`);
  if (match === null || Number.isNaN(seconds)) throw new RangeError('not a creation time of a stream');
  const nanos = (match[2] ?? '').padEnd(9, '0');
  const ms = seconds + Number(nanos.slice(0, 3));
  return `${ms.toString(36)}-${Number(nanos.slice(3)).toString(36)}`;
}
