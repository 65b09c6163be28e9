import { defineMetrics, SECONDS_BUCKETS } from '@breakwater/service-kit';

const TICK_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1,
] as const;

/** Metrics of simulation. */
export const metrics = defineMetrics({
  games: {
    kind: 'gauge',
    name: 'breakwater_simulation_games',
    unit: 'games',
    doc: 'Games hosted by this process, by state.',
    labels: ['state'],
  },
  warmGames: {
    kind: 'gauge',
    name: 'breakwater_simulation_warm_games',
    unit: 'games',
    doc: 'Games that another process hosts and this one keeps near their log, to take them over.',
  },
  players: {
    kind: 'gauge',
    name: 'breakwater_simulation_players',
    unit: 'players',
    doc: 'Seats taken in hosted games.',
  },
  ticks: {
    kind: 'counter',
    name: 'breakwater_simulation_ticks_total',
    unit: 'ticks',
    doc: 'Ticks of all games.',
  },
  tickSeconds: {
    kind: 'histogram',
    name: 'breakwater_simulation_tick_duration_seconds',
    unit: 's',
    doc: 'Time of one tick: commands, step, encoding and handing the append to NATS.',
    buckets: TICK_BUCKETS,
  },
  skippedTicks: {
    kind: 'counter',
    name: 'breakwater_simulation_skipped_ticks_total',
    unit: 'ticks',
    doc: 'Ticks given up because the process fell too far behind: the games were slower for it.',
  },
  appends: {
    kind: 'counter',
    name: 'breakwater_simulation_appends_total',
    unit: 'records',
    doc: 'Records of game logs, by what became of them.',
    labels: ['result'],
  },
  appendSeconds: {
    kind: 'histogram',
    name: 'breakwater_simulation_append_duration_seconds',
    unit: 's',
    doc: 'From handing a record to NATS until it is certain what became of it.',
    buckets: SECONDS_BUCKETS,
  },
  appendTrouble: {
    kind: 'counter',
    name: 'breakwater_simulation_append_trouble_total',
    unit: '1',
    doc: 'Answers to appends that were not a plain yes, and reads of logs that failed.',
  },
  recordBytes: {
    kind: 'counter',
    name: 'breakwater_simulation_record_bytes_total',
    unit: 'bytes',
    doc: 'Bytes of stored log records.',
  },
  commands: {
    kind: 'counter',
    name: 'breakwater_simulation_commands_total',
    unit: 'commands',
    doc: 'Commands of players, by outcome.',
    labels: ['outcome'],
  },
  snapshots: {
    kind: 'counter',
    name: 'breakwater_simulation_snapshots_total',
    unit: 'snapshots',
    doc: 'Snapshots, by result.',
    labels: ['result'],
  },
  snapshotBytes: {
    kind: 'counter',
    name: 'breakwater_simulation_snapshot_bytes_total',
    unit: 'bytes',
    doc: 'Bytes of snapshots that were taken.',
  },
  badStarts: {
    kind: 'counter',
    name: 'breakwater_simulation_bad_starts_total',
    unit: '1',
    doc: 'Snapshots or logs that a load could not use, so that it fell back to older ones.',
  },
  frozenSeconds: {
    kind: 'counter',
    name: 'breakwater_simulation_frozen_seconds_total',
    unit: 's',
    doc: 'Time that games stood still because their log could not be written.',
  },
  hostings: {
    kind: 'counter',
    name: 'breakwater_simulation_hostings_total',
    unit: '1',
    doc: 'Requests to host a game: hosted, or the reason of the refusal.',
    labels: ['result'],
  },
  warmings: {
    kind: 'counter',
    name: 'breakwater_simulation_warmings_total',
    unit: '1',
    doc: 'Requests to warm a game up before it is hosted: warm, or the reason of the refusal.',
    labels: ['result'],
  },
  warmEnds: {
    kind: 'counter',
    name: 'breakwater_simulation_warm_ends_total',
    unit: '1',
    doc: 'What became of warm games: hosted here, expired, broken (their log or feed was not what it should be) or dropped.',
    labels: ['end'],
  },
  stops: {
    kind: 'counter',
    name: 'breakwater_simulation_stops_total',
    unit: '1',
    doc: 'Owners that stopped, by reason.',
    labels: ['reason'],
  },
  restarts: {
    kind: 'counter',
    name: 'breakwater_simulation_restarts_total',
    unit: '1',
    doc: 'Games that were started again from their log because their tick threw.',
  },
  hookErrors: {
    kind: 'counter',
    name: 'breakwater_simulation_hook_errors_total',
    unit: '1',
    doc: 'Commands and hooks of games that threw and were undone.',
  },
  badInputs: {
    kind: 'counter',
    name: 'breakwater_simulation_bad_inputs_total',
    unit: 'messages',
    doc: 'Messages to games or about edges that could not be read.',
  },
  oversizedStates: {
    kind: 'counter',
    name: 'breakwater_simulation_oversized_states_total',
    unit: '1',
    doc: 'Full states above the limit, that could not be sent or kept.',
  },
});
