import type { Logger, MetricHandles } from '@breakwater/service-kit';
import type { HostObserver } from '../domain/host-types.ts';
import { COMMAND_OUTCOMES, type CommandOutcome } from '../domain/inbox.ts';
import { APPEND_RESULTS, type AppendResult } from '../domain/owner-types.ts';
import type { TickTimes } from '../domain/tick-times.ts';
import type { metrics as metricTable } from '../metrics.ts';

type Metrics = MetricHandles<typeof metricTable>;
interface Adder {
  add(n: number): void;
}

/** Turns what owners tell into metrics and log lines. */
export function observeHost(metrics: Metrics, log: Logger, ticks: TickTimes): HostObserver {
  const appends = Object.fromEntries(
    APPEND_RESULTS.map((result) => [result, metrics.appends.with({ result })]),
  ) as Record<AppendResult, Adder>;
  const commands = Object.fromEntries(
    COMMAND_OUTCOMES.map((outcome) => [outcome, metrics.commands.with({ outcome })]),
  ) as Record<CommandOutcome, Adder>;
  const onTrouble = (game: string, cause: string) => {
    metrics.appendTrouble.add(1);
    log.debug({ game, cause }, 'a log did not answer with a plain yes');
  };
  const frozen = new Set<string>();
  const onBadStart = (game: string, problem: string) => {
    metrics.badStarts.add(1);
    log.warn({ game, problem }, 'a game could not be loaded from there');
  };
  return {
    ownerEvents: (game) => ({
      onAppend(result, ms, bytes) {
        appends[result].add(1);
        metrics.appendSeconds.record(ms / 1_000);
        if (result === 'stored') metrics.recordBytes.add(bytes);
      },
      onLive(bytes) {
        metrics.liveDeltas.add(1);
        metrics.liveBytes.add(bytes);
      },
      onTrouble: (cause) => onTrouble(game, cause),
      onBadStart: (problem) => onBadStart(game, problem),
      onCommand: (outcome) => commands[outcome].add(1),
      onFull(cause) {
        metrics.fullLogs.add(1);
        log.warn(
          { game, cause },
          'the log of a game is full: it stands still until a snapshot lets it be purged',
        );
      },
      onFrozen(ms) {
        metrics.frozenSeconds.add(ms / 1_000);
        if (!frozen.has(game)) log.warn({ game }, 'a game stands still: its log takes no append');
        frozen.add(game);
      },
      onThawed(ms) {
        frozen.delete(game);
        log.info({ game, ms: Math.round(ms) }, 'a game stood still while its log could not be written');
      },
      onSnapshot(result) {
        metrics.snapshots.add(1, { result: result.kind });
        if (result.kind === 'taken') metrics.snapshotBytes.add(result.bytes);
        else log.warn({ game, result }, 'a snapshot was not taken');
      },
      onAwards: (count) => metrics.awards.add(count),
      onAwardTrouble(cause) {
        metrics.awardTrouble.add(1);
        log.warn({ game, cause }, 'awards of a game could not be posted and are tried again');
      },
      onRestart(error) {
        metrics.restarts.add(1);
        log.error({ game, err: error }, 'a game threw and starts again from what is stored');
      },
      onStateTooLarge(bytes) {
        metrics.oversizedStates.add(1);
        log.error({ game, bytes }, 'the state of a game is above the limit');
      },
    }),
    onHookError: (game) => (error, where) => {
      metrics.hookErrors.add(1);
      log.warn({ game, ...where, err: error }, 'a command or hook of a game threw and was undone');
    },
    onTick(ms) {
      metrics.ticks.add(1);
      metrics.tickSeconds.record(ms / 1_000);
      ticks.record(ms);
    },
    onSkippedTicks: (count) => metrics.skippedTicks.add(count),
    onHosting: (result) => metrics.hostings.add(1, { result }),
    onWarming: (result) => metrics.warmings.add(1, { result }),
    onEnd: (_game, end) => metrics.warmEnds.add(1, { end }),
    onStopped(game, epoch, reason, detail) {
      frozen.delete(game);
      metrics.stops.add(1, { reason });
      log.info(
        { game, epoch, reason, ...(detail !== undefined && { detail }) },
        'a game is not owned here any more',
      );
    },
    onBadStart,
    onTrouble,
  };
}
