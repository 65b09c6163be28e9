import { type SimStatus, type Subjects, simStatus } from '@breakwater/bus';
import type { Clock, DrainContext, Logger, NatsBus } from '@breakwater/service-kit';
import { untilHandedOver } from '../domain/draining.ts';
import type { Host } from '../domain/host.ts';

export interface DrainSettings {
  readonly pod: string;
  readonly heartbeatMs: number;
  readonly handOverMs: number;
  readonly handOverAloneMs: number;
}

/** Another process is heard within this many of its heartbeats, and at least within a second. */
const HEARTBEATS = 4;
const MIN_LISTEN_MS = 1_000;
/** Of the time for all of the drain, what is kept for the last snapshots: a quarter, this at most. */
const MAX_LEAVE_MS = 3_000;

/** Keeps the games going until the matchmaker has moved them; what is left in the end is snapshotted. */
export async function drainGames(
  { nats, subjects, clock, log }: { nats: NatsBus; subjects: Subjects; clock: Clock; log: Logger },
  host: Host,
  settings: DrainSettings,
  { signal, remainingMs }: DrainContext,
): Promise<void> {
  let heardAtMs: number | undefined;
  const others = nats.subscribe(subjects.simStatus(), {}, (message) => {
    if (isTaker(settings.pod, message.json())) heardAtMs = clock.monotonicMs();
  });
  const ports = {
    clock,
    isEmpty: () => host.isEmpty,
    otherHeardAtMs: () => heardAtMs,
    isCutOff: () => signal.aborted,
  };
  const { handOverAloneMs, heartbeatMs } = settings;
  const handOverMs = Math.min(settings.handOverMs, remainingMs() - Math.min(MAX_LEAVE_MS, remainingMs() / 4));
  const listenMs = Math.max(MIN_LISTEN_MS, HEARTBEATS * heartbeatMs);
  const end = await untilHandedOver(ports, { handOverMs, handOverAloneMs, listenMs });
  others.unsubscribe();
  if (end === 'empty') return;
  const games = host.lines().length;
  const why = end === 'alone' ? 'no other process is there to take them' : 'the time to move them is over';
  log.warn(
    { games, why },
    'games are given up with a snapshot and go on when a process with room takes them',
  );
  await host.leaveAll(signal);
}

function isTaker(ownPod: string, payload: unknown): boolean {
  const status: SimStatus = simStatus(payload);
  return status.pod !== ownPod && !status.isDraining && !status.isLeaving;
}
