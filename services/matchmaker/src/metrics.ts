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
  pods: {
    kind: 'gauge',
    name: 'breakwater_matchmaker_pods',
    unit: 'pods',
    doc: 'Simulation pods that Kubernetes told of. Only where its API is used.',
  },
  podWatchAge: {
    kind: 'gauge',
    name: 'breakwater_matchmaker_pod_watch_age_seconds',
    unit: 's',
    doc: 'Since Kubernetes last said anything about the pods, by a list or a watch; its bookmarks count. Only where its API is used.',
  },
  podWatchFailures: {
    kind: 'counter',
    name: 'breakwater_matchmaker_pod_watch_failures_total',
    unit: '1',
    doc: 'Lists and watches of the pods that failed: refused, forbidden, expired, server, silent, dropped, malformed, or listener (our own fault).',
    labels: ['reason'],
  },
  podHints: {
    kind: 'counter',
    name: 'breakwater_matchmaker_pod_hints_total',
    unit: '1',
    doc: 'Hints of Kubernetes that a process is gone, by what asking it came to: gone, answered or silent.',
    labels: ['outcome'],
  },
  podPatches: {
    kind: 'counter',
    name: 'breakwater_matchmaker_pod_patches_total',
    unit: '1',
    doc: 'Annotations written to simulation pods: ok, gone (no such pod), forbidden or failed.',
    labels: ['outcome'],
  },
  bufferFreeSlots: {
    kind: 'gauge',
    name: 'breakwater_matchmaker_buffer_free_slots',
    unit: 'games',
    doc: 'Free places for games, those of pods that are about to come included. Set by the leader while the buffer is on.',
  },
  bufferReplicas: {
    kind: 'gauge',
    name: 'breakwater_matchmaker_buffer_replicas',
    unit: 'pods',
    doc: 'Simulation pods asked for. Set by the leader while the buffer is on.',
  },
  bufferScalings: {
    kind: 'counter',
    name: 'breakwater_matchmaker_buffer_scalings_total',
    unit: '1',
    doc: 'Decisions of the leader to change the number of simulation pods, up or down.',
    labels: ['direction'],
  },
});
