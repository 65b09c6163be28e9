import { type Subjects, simStatus } from '@breakwater/bus';
import type { Clock, DrainContext, Logger, NatsBus } from '@breakwater/service-kit';
import { untilHandedOver } from '../domain/draining.ts';
import type { Host } from '../domain/host.ts';
import { OtherProcesses } from '../domain/other-processes.ts';

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
/** Of that, what games get that are over. */
const RETIRE_MS = 1_500;
/** Why a game ended that no process can host any more. */
const VERSION_GONE = 'version_gone';

/** Keeps the games going until the matchmaker has moved them; what is left in the end is snapshotted. */
export async function drainGames(
  { nats, subjects, clock, log }: { nats: NatsBus; subjects: Subjects; clock: Clock; log: Logger },
  host: Host,
  settings: DrainSettings,
  { signal, remainingMs }: DrainContext,
  /** Tells the matchmakers now what is hosted and what has ended. */
  publish: () => void,
): Promise<void> {
  const others = new OtherProcesses(settings.pod);
  const startedMs = clock.monotonicMs();
  const hearing = nats.subscribe(subjects.simStatus(), {}, (message) =>
    others.hear(simStatus(message.json()), clock.monotonicMs()),
  );
  const ports = {
    clock,
    isEmpty: () => host.isEmpty,
    otherHeardAtMs: () => others.heardAtMs,
    isCutOff: () => signal.aborted,
  };
  const { handOverAloneMs, heartbeatMs } = settings;
  const handOverMs = Math.min(settings.handOverMs, remainingMs() - Math.min(MAX_LEAVE_MS, remainingMs() / 4));
  const listenMs = Math.max(MIN_LISTEN_MS, HEARTBEATS * heartbeatMs);
  const end = await untilHandedOver(ports, { handOverMs, handOverAloneMs, listenMs });
  hearing.unsubscribe();
  // Whoever was heard at any time of the drain and did not say that it ends may only be slow.
  if (end !== 'empty') await retireGone(host, others, startedMs, signal);
  publish();
  if (host.isEmpty) return;
  const games = host.lines().length;
  const why = end === 'alone' ? 'no other process is there to take them' : 'the time to move them is over';
  log.warn(
    { games, why },
    'games are given up with a snapshot and go on when a process with room takes them',
  );
  await host.leaveAll(signal);
}

/** Games of versions that only this process has: they were played as long as it lived. */
async function retireGone(
  host: Host,
  others: OtherProcesses,
  heardSinceMs: number,
  signal: AbortSignal,
): Promise<void> {
  const isOver = (type: string, schemaVersion: number) =>
    others.isVersionGone(type, schemaVersion, heardSinceMs);
  await host.retire(VERSION_GONE, isOver, AbortSignal.any([signal, AbortSignal.timeout(RETIRE_MS)]));
}
