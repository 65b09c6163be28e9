/** Why a request to the Kubernetes API came to nothing. */
export const KUBE_FAILURES = [
  'refused',
  'forbidden',
  'expired',
  'server',
  'silent',
  'dropped',
  'malformed',
] as const;

/**
 * `forbidden`: this account may not do that. `expired`: the version asked for is too old, a list is needed. `refused`:
 * another 4xx. `server`: 429 or 5xx. `silent`: no byte in time. `dropped`: no connection, or it broke. `malformed`:
 * not what the API speaks.
 */
export type KubeFailure = (typeof KUBE_FAILURES)[number];

export class KubeError extends Error {
  readonly failure: KubeFailure;
  /** HTTP status, or the code of a Status object. */
  readonly status: number | undefined;

  constructor(failure: KubeFailure, message: string, options: { status?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'KubeError';
    this.failure = failure;
    this.status = options.status;
  }
}

/** The error for an answer with this status. */
export function answerError(status: number, message: string): KubeError {
  const say = `the Kubernetes API answered ${status}: ${message}`;
  if (status === 403) return new KubeError('forbidden', say, { status });
  if (status === 410) return new KubeError('expired', say, { status });
  return new KubeError(status === 429 || status >= 500 ? 'server' : 'refused', say, { status });
}
