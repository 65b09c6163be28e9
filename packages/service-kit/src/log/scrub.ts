/** Property names whose values never reach a log line, at any depth, in any spelling. */
const SENSITIVE =
  'authorization|password|passwd|secret|token|ticket|cookie|api[_-]?key|private[_-]?key|credential|jwt';

const SENSITIVE_NAME = new RegExp(SENSITIVE, 'i');

export const REDACTED = '[redacted]';

/** True for a property whose value is a secret by its name. */
export function isSensitiveName(name: string): boolean {
  return SENSITIVE_NAME.test(name);
}

const MAX_DEPTH = 8;
const MAX_ITEMS = 200;

/**
 * A copy of a log object with secret properties replaced and depth and width bounded.
 * Instances of classes pass through unless they are errors: their own `toJSON` speaks for them.
 */
export function redactObject(value: Record<string, unknown>, depth = 0): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(value).slice(0, MAX_ITEMS)) copy[name] = redactProperty(value, name, depth);
  return copy;
}

function redactProperty(owner: Record<string, unknown>, name: string, depth: number): unknown {
  try {
    const item = owner[name];
    if (item === undefined || item === null) return item;
    return isSensitiveName(name) ? REDACTED : redactValue(item, depth + 1);
  } catch {
    return '[unreadable]';
  }
}

function isPlain(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function redactValue(value: unknown, depth: number): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (depth > MAX_DEPTH) return '[deep]';
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => redactValue(item, depth + 1));
  if (value instanceof Uint8Array) return `[${value.byteLength} bytes]`;
  if (value instanceof Map || value instanceof Set) return `[${value.size} items]`;
  return isPlain(value) ? redactObject(value, depth) : value;
}

const URL_CREDENTIALS = /(\b[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/@"\\]{1,300}@/gi;
const JWT = /\beyJ[\w-]{8,}\.[\w-]{2,}\.[\w-]*/g;
const BEARER = /\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi;
const ASSIGNED = new RegExp(
  `\\b([\\w-]*(?:${SENSITIVE})[\\w-]*)((?:\\\\*")?\\s*[=:]\\s*(?:\\\\*")?)(?!\\[redacted\\])[^\\s"'\\\\,;&}]{3,}`,
  'gi',
);

/** Characters that JSON leaves as they are but terminals and viewers act on. */
const ACTIVE = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Last look at a finished JSON line: what free text carried in is masked, active characters are escaped. */
export function scrubLine(line: string): string {
  return line
    .replace(URL_CREDENTIALS, `$1${REDACTED}@`)
    .replace(JWT, REDACTED)
    .replace(BEARER, `$1 ${REDACTED}`)
    .replace(ASSIGNED, `$1$2${REDACTED}`)
    .replace(ACTIVE, escapeCharacter);
}
