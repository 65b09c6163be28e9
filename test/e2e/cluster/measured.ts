import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { MEASURED_FILE } from '@breakwater/tools';

/** A line for the end of the run: what was measured, and where. Tests assert no times. */
export function tellMeasured(line: string): void {
  console.log(line);
  const folder = process.env.BREAKWATER_E2E_FOLDER;
  if (folder) appendFileSync(join(folder, MEASURED_FILE), `${line}\n`);
}
