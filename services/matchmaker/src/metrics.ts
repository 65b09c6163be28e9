import { defineMetrics } from '@breakwater/service-kit';

/** Metrics of the matchmaker. */
export const metrics = defineMetrics({
  requests: {
    kind: 'counter',
    name: 'breakwater_matchmaker_requests_total',
    unit: 'requests',
    doc: 'Requests answered, by what was asked and how it ended (ok or an error code).',
    labels: ['verb', 'outcome'],
  },
  games: {
    kind: 'gauge',
    name: 'breakwater_matchmaker_games',
    unit: 'games',
    doc: 'Entries in the registry, those of ended games included.',
  },
  processes: {
    kind: 'gauge',
    name: 'breakwater_matchmaker_processes',
    unit: 'processes',
    doc: 'Simulation processes that are there by their heartbeats.',
  },
  leading: {
    kind: 'gauge',
    name: 'breakwater_matchmaker_leading',
    unit: '1',
    doc: 'Whether this replica leads (1) or not (0).',
  },
  lostProcesses: {
    kind: 'counter',
    name: 'breakwater_matchmaker_lost_processes_total',
    unit: 'processes',
    doc: 'Simulation processes that fell silent.',
  },
  malformedStatus: {
    kind: 'counter',
    name: 'breakwater_matchmaker_malformed_status_total',
    unit: 'messages',
    doc: 'Heartbeats of simulation processes that could not be read.',
  },
  failures: {
    kind: 'counter',
    name: 'breakwater_matchmaker_registry_failures_total',
    unit: '1',
    doc: 'Writes of the registry in the background that failed; the next report repeats them.',
  },
});
