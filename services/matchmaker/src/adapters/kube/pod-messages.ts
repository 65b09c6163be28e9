/** What is read of the Kubernetes API's objects, and what is written to them. Unknown fields are theirs. */

import {
  array,
  type Decoded,
  type Decoder,
  decode,
  int,
  json,
  loose,
  optional,
  string,
} from '@breakwater/protocol';
import type { PodMarks } from '../../domain/pod-marks.ts';
import type { CordonedBy, Pod, PodChange } from '../../domain/pods.ts';
import { answerError, KubeError } from './kube-error.ts';

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const SAFE_TO_EVICT = 'cluster-autoscaler.kubernetes.io/safe-to-evict';
/** `buffer` is written by the autoscaler; any other value but `false` is a person's, and stays. */
export const CORDONED = 'breakwater.io/cordoned';

const MAX_ITEMS = 10_000;
const MAX_PARTS = 1_000;
const text = string();
const mark = optional(string());
const state = loose({ waiting: optional(json()), terminated: optional(json()) });
const container = loose({ restartCount: int(0), state: optional(state) });
const condition = loose({ type: text, status: text });
const podObject = loose({
  metadata: loose({
    name: text,
    resourceVersion: text,
    deletionTimestamp: optional(text),
    annotations: optional(loose({ [DELETION_COST]: mark, [SAFE_TO_EVICT]: mark, [CORDONED]: mark })),
  }),
  status: loose({
    phase: optional(text),
    conditions: optional(array(condition, MAX_PARTS)),
    containerStatuses: optional(array(container, MAX_PARTS)),
  }),
});
const podList = loose({
  metadata: loose({ resourceVersion: text, continue: optional(text) }),
  items: array(podObject, MAX_ITEMS),
});
const bookmark = loose({ metadata: loose({ resourceVersion: text }) });
const failure = loose({ code: optional(int(0)), message: optional(text) });
const watchEvent = loose({ type: text, object: json() });
const scale = loose({
  metadata: loose({ resourceVersion: text }),
  spec: loose({ replicas: optional(int(0)) }),
  status: loose({ replicas: int(0) }),
});

export interface PodPage {
  readonly pods: readonly Pod[];
  readonly version: string;
  /** Where the next page begins. */
  readonly next: string | undefined;
}

/** How many pods a Deployment is asked for, and how many it has. */
export interface Scale {
  readonly wanted: number;
  readonly present: number;
  readonly version: string;
}

/** One line of a watch: a bookmark only says how far it is. */
export interface WatchStep {
  readonly version: string;
  readonly change: PodChange | undefined;
}

/** @throws KubeError `malformed` */
export function readPodPage(value: unknown): PodPage {
  const { metadata, items } = read(podList, value);
  return { pods: items.map(podOf), version: metadata.resourceVersion, next: metadata.continue || undefined };
}

/** @throws KubeError `malformed`, or the error that the line tells of */
export function readWatchLine(line: string): WatchStep {
  const { type, object } = read(watchEvent, parse(line));
  if (type === 'ERROR') {
    const { code = 500, message = 'no reason given' } = read(failure, object);
    throw answerError(code, message);
  }
  if (type === 'BOOKMARK')
    return { version: read(bookmark, object).metadata.resourceVersion, change: undefined };
  const item = read(podObject, object);
  const { name, resourceVersion } = item.metadata;
  const change: PodChange =
    type === 'DELETED' ? { kind: 'deleted', name } : { kind: 'here', pod: podOf(item) };
  return { version: resourceVersion, change };
}

/** @throws KubeError `malformed` */
export function readScale(value: unknown): Scale {
  const { metadata, spec, status } = read(scale, value);
  return { wanted: spec.replicas ?? 0, present: status.replicas, version: metadata.resourceVersion };
}

/** A merge patch of a pod's annotations; `null` takes one away. */
export function marksPatch({ deletionCost, isSafeToEvict }: PodMarks): unknown {
  return annotations({ [DELETION_COST]: String(deletionCost), [SAFE_TO_EVICT]: String(isSafeToEvict) });
}

export function cordonPatch(isCordoned: boolean): unknown {
  return annotations({ [CORDONED]: isCordoned ? 'buffer' : null });
}

function annotations(values: Readonly<Record<string, string | null>>): unknown {
  return { metadata: { annotations: values } };
}

function podOf({ metadata, status }: Decoded<typeof podObject>): Pod {
  const { annotations = {} } = metadata;
  const containers = status.containerStatuses ?? [];
  const isOver = status.phase === 'Failed' || status.phase === 'Succeeded';
  const hasStopped = containers.some(
    ({ state, restartCount }) =>
      state?.terminated !== undefined || (state?.waiting !== undefined && restartCount > 0),
  );
  const evict = annotations[SAFE_TO_EVICT];
  return {
    name: metadata.name,
    isReady: status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
    isTerminating: metadata.deletionTimestamp !== undefined,
    isOver,
    hasExited: isOver || hasStopped,
    restarts: containers.reduce((sum, { restartCount }) => sum + restartCount, 0),
    deletionCost: costOf(annotations[DELETION_COST]),
    isSafeToEvict: evict === undefined ? undefined : evict === 'true',
    cordonedBy: cordonOf(annotations[CORDONED]),
  };
}

function costOf(value: string | undefined): number | undefined {
  const cost = Number.parseInt(value ?? '', 10);
  return Number.isSafeInteger(cost) ? cost : undefined;
}

function cordonOf(value: string | undefined): CordonedBy | undefined {
  if (value === undefined || value === 'false') return undefined;
  return value === 'buffer' ? 'buffer' : 'person';
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new KubeError('malformed', 'a line of the watch is not JSON', { cause });
  }
}

function read<T>(decoder: Decoder<T>, value: unknown): T {
  const decoded = decode(decoder, value);
  if (decoded.ok) return decoded.value;
  throw new KubeError('malformed', `not an answer of the Kubernetes API: ${decoded.error.message}`, {
    cause: decoded.error,
  });
}
