/** Of sorted copies: the middle, and the value below which `share` of all lie. */

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Rounds to `digits` significant digits, for tables and JSON. */
export function rounded(value: number, digits = 3): number {
  return Number(value.toPrecision(digits));
}
