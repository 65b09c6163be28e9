import { CommandError } from '../command.ts';

/** The variables that each service knows. */
export type KnownVariables = ReadonlyMap<string, ReadonlySet<string>>;

/** Variables of this machine's tools, not of a service. */
const TOOL_VARIABLES = new Set(['BREAKWATER_TEST_LONG']);

/** Variables by service. */
export type DealtSettings = Record<string, Record<string, string>>;

/** Read by `start` itself. */
const START_VARIABLES = new Set(['BREAKWATER_WEB_PORT']);

/** Each process needs its own: one value for all of them would break the stack. */
const GIVEN_BY_START = new Set(['BREAKWATER_INSTANCE', 'BREAKWATER_HTTP_PORT', 'BREAKWATER_EDGE_PORT']);

/**
 * Deals our environment out: a service gets the `BREAKWATER_*` variables of its schema, and what OpenTelemetry reads.
 *
 * @throws CommandError that names every variable that belongs to nobody, or that cannot be one for all
 */
export function dealSettings(
  env: Readonly<Record<string, string | undefined>>,
  known: KnownVariables,
): DealtSettings {
  const dealt: DealtSettings = {};
  const problems: string[] = [];
  for (const service of known.keys()) dealt[service] = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || TOOL_VARIABLES.has(name) || START_VARIABLES.has(name)) continue;
    if (!name.startsWith('BREAKWATER_') && !name.startsWith('OTEL_')) continue;
    const owners = [...known].filter(([, variables]) => name.startsWith('OTEL_') || variables.has(name));
    if (owners.length === 0) problems.push(`${name} is not a setting of any service`);
    else if (GIVEN_BY_START.has(name))
      problems.push(`${name} is given to each process by start: leave it out`);
    for (const [service] of owners) Object.assign(dealt[service] ?? {}, { [name]: value });
  }
  if (problems.length > 0) throw new CommandError(`A setting is wrong: ${problems.join('; ')}.`);
  return dealt;
}
