import { type Dashboard, quantile, rate, total } from './panel.ts';

/** Games, ticks, their log, and where they run. */
export const gamesDashboard: Dashboard = {
  name: 'games',
  uid: 'breakwater-games',
  title: 'Breakwater / Games',
  description: 'Games, players, ticks, commands, logs, and the placement of games.',
  panels: [
    {
      title: 'Games by state',
      description: 'Hosted games. Frozen ones wait for NATS.',
      unit: 'short',
      isStacked: true,
      queries: { '{{state}}': total('breakwater_simulation_games', 'state') },
    },
    {
      title: 'Games and players of each pod',
      description: 'Where the load is. Packed placement leaves the other pods empty on purpose.',
      unit: 'short',
      queries: {
        'games {{pod}}': total('breakwater_simulation_games', 'pod'),
        'players {{pod}}': total('breakwater_simulation_players', 'pod'),
      },
    },
    {
      title: 'Ticks',
      description:
        'Ticks of all games, and those given up because a process was too slow: those games ran slower.',
      unit: 'cps',
      queries: {
        ticks: rate('breakwater_simulation_ticks_total'),
        skipped: rate('breakwater_simulation_skipped_ticks_total'),
      },
    },
    {
      title: 'Time of a tick',
      description:
        'Commands, step, encoding and handing the append to NATS. A process has 50 ms for the ticks of all its games at 20 a second.',
      unit: 's',
      queries: {
        p50: quantile(0.5, 'breakwater_simulation_tick_duration_seconds'),
        p99: quantile(0.99, 'breakwater_simulation_tick_duration_seconds'),
      },
    },
    {
      title: 'Time until a record is certain',
      description: 'From handing a record to NATS to its acknowledgement. Players see a tick only after it.',
      unit: 's',
      queries: {
        p50: quantile(0.5, 'breakwater_simulation_append_duration_seconds'),
        p99: quantile(0.99, 'breakwater_simulation_append_duration_seconds'),
      },
    },
    {
      title: 'Appends by result, trouble',
      description: 'Records by what became of them. Refused ones mean that another process took a game over.',
      unit: 'cps',
      queries: {
        '{{result}}': rate('breakwater_simulation_appends_total', 'result'),
        trouble: rate('breakwater_simulation_append_trouble_total'),
      },
    },
    {
      title: 'Commands by outcome',
      description: 'Commands of players: applied, rejected by the game, or dropped.',
      unit: 'cps',
      queries: { '{{outcome}}': rate('breakwater_simulation_commands_total', 'outcome') },
    },
    {
      title: 'Frozen games',
      description:
        'Seconds a second that games stood still because their log could not be written: 1 is one game all the time.',
      unit: 'short',
      queries: { '{{pod}}': rate('breakwater_simulation_frozen_seconds_total', 'pod') },
    },
    {
      title: 'Hostings and stops',
      description: 'Games taken over by a process, and owners that stopped, by result and reason.',
      unit: 'cps',
      queries: {
        'host {{result}}': rate('breakwater_simulation_hostings_total', 'result'),
        'stop {{reason}}': rate('breakwater_simulation_stops_total', 'reason'),
      },
    },
    {
      title: 'Bytes of logs and snapshots',
      description: 'What games write to NATS: it must fit what its disk takes.',
      unit: 'Bps',
      queries: {
        records: rate('breakwater_simulation_record_bytes_total'),
        snapshots: rate('breakwater_simulation_snapshot_bytes_total'),
      },
    },
    {
      title: 'Snapshots, bad starts, restarts',
      description:
        'Snapshots by result, loads that had to fall back to an older one, and games started again because their tick threw.',
      unit: 'cps',
      queries: {
        'snapshot {{result}}': rate('breakwater_simulation_snapshots_total', 'result'),
        'bad starts': rate('breakwater_simulation_bad_starts_total'),
        restarts: rate('breakwater_simulation_restarts_total'),
      },
    },
    {
      title: 'Awards',
      description:
        'XP given by games: awards that became part of totals, those that wait in outboxes, games that are over and wait for them, and tries that failed.',
      unit: 'short',
      queries: {
        'counted a second': rate('breakwater_simulation_awards_total'),
        waiting: total('breakwater_simulation_pending_awards'),
        'games over, but for them': total('breakwater_simulation_ending_games'),
        'failed tries a second': rate('breakwater_simulation_award_trouble_total'),
      },
    },
    {
      title: 'Matchmaker',
      description:
        'Simulation processes that are heard, entries in the registry, and processes that fell silent.',
      unit: 'short',
      queries: {
        'processes {{pod}}': total('breakwater_matchmaker_processes', 'pod'),
        'games {{pod}}': total('breakwater_matchmaker_games', 'pod'),
        lost: rate('breakwater_matchmaker_lost_processes_total'),
      },
    },
    {
      title: 'Games that change hands',
      description:
        'Games hosted again because nobody hosted them, by cause and outcome; moves between processes; games that wait for a process right now; replicas that lead (one).',
      unit: 'short',
      queries: {
        'again: {{cause}} {{outcome}}': rate('breakwater_matchmaker_repins_total', 'cause, outcome'),
        'moved: {{cause}} {{outcome}}': rate('breakwater_matchmaker_moves_total', 'cause, outcome'),
        waiting: total('breakwater_matchmaker_waiting_games'),
        leading: total('breakwater_matchmaker_leading'),
      },
    },
  ],
};
