/** When an alert fires and when it does not: series in promtool's notation, one value every 15 s. */
export interface AlertCase {
  readonly alert: string;
  readonly firing: Readonly<Record<string, string>>;
  readonly quiet: Readonly<Record<string, string>>;
  /** When both are looked at. */
  readonly at: string;
  /** Of the alert that fires, besides its severity. */
  readonly labels: Readonly<Record<string, string>>;
}

const POD = 'namespace="play",service="s",pod="p"';
const NAMESPACE = { namespace: 'play' };

/** A histogram in which every observation is below `atMostS`. */
function observations(metric: string, atMostS: number): Record<string, string> {
  const bounds = ['0.01', '0.1', '0.25', '0.5', '1', '2.5', '5', '+Inf'];
  const grows = (bound: string) => (bound === '+Inf' || Number(bound) >= atMostS ? '0+100x60' : '0x60');
  return Object.fromEntries(bounds.map((bound) => [`${metric}_bucket{${POD},le="${bound}"}`, grows(bound)]));
}

const counter = (metric: string, values: string, labels = ''): Record<string, string> => ({
  [`${metric}{${POD}${labels === '' ? '' : `,${labels}`}}`]: values,
});

export const ALERT_CASES: readonly AlertCase[] = [
  {
    alert: 'BreakwaterNoEdge',
    firing: counter('breakwater_edge_connections', '5 _x40'),
    quiet: counter('breakwater_edge_connections', '0x40'),
    at: '9m',
    labels: {},
  },
  {
    alert: 'BreakwaterNatsDisconnected',
    firing: counter('breakwater_nats_connected', '1 1 0x40'),
    quiet: counter('breakwater_nats_connected', '1x8 0 0 1x40'),
    at: '3m',
    labels: { ...NAMESPACE, service: 's', pod: 'p' },
  },
  {
    alert: 'BreakwaterStreamFull',
    firing: counter('breakwater_nats_commits_total', '0+3x60', 'result="full"'),
    quiet: counter('breakwater_nats_commits_total', '0+3x60', 'result="stored"'),
    at: '12m',
    labels: { ...NAMESPACE, service: 's' },
  },
  {
    alert: 'BreakwaterLostStreams',
    firing: {
      ...counter('breakwater_chat_lost_streams', '0x20'),
      ...counter('breakwater_simulation_lost_streams', '0 0 1x20'),
    },
    quiet: {
      ...counter('breakwater_chat_lost_streams', '0x20'),
      ...counter('breakwater_simulation_lost_streams', '0x20'),
    },
    at: '3m',
    labels: NAMESPACE,
  },
  {
    alert: 'BreakwaterUnreadableRecords',
    firing: counter('breakwater_chat_unreadable_records_total', '0x20 2x40'),
    quiet: counter('breakwater_chat_unreadable_records_total', '7x60'),
    at: '8m',
    labels: NAMESPACE,
  },
  {
    alert: 'BreakwaterSlowSends',
    firing: observations('breakwater_chat_send_duration_seconds', 2.5),
    quiet: observations('breakwater_chat_send_duration_seconds', 0.5),
    at: '12m',
    labels: NAMESPACE,
  },
  {
    alert: 'BreakwaterSlowAppends',
    firing: observations('breakwater_simulation_append_duration_seconds', 0.5),
    quiet: observations('breakwater_simulation_append_duration_seconds', 0.1),
    at: '12m',
    labels: NAMESPACE,
  },
  {
    alert: 'BreakwaterGamesFrozen',
    firing: counter('breakwater_simulation_frozen_seconds_total', '0+15x60'),
    quiet: counter('breakwater_simulation_frozen_seconds_total', '0 1x60'),
    at: '8m',
    labels: NAMESPACE,
  },
  {
    alert: 'BreakwaterTicksSkipped',
    firing: {
      ...counter('breakwater_simulation_skipped_ticks_total', '0+20x60'),
      ...counter('breakwater_simulation_ticks_total', '0+300x60'),
    },
    quiet: {
      ...counter('breakwater_simulation_skipped_ticks_total', '0+1x60'),
      ...counter('breakwater_simulation_ticks_total', '0+300x60'),
    },
    at: '12m',
    labels: { ...NAMESPACE, pod: 'p' },
  },
  {
    alert: 'BreakwaterNoSimulation',
    firing: counter('breakwater_matchmaker_processes', '2 0x40'),
    quiet: counter('breakwater_matchmaker_processes', '2 1x40'),
    at: '4m',
    labels: NAMESPACE,
  },
  {
    alert: 'BreakwaterProcessesLost',
    firing: counter('breakwater_matchmaker_lost_processes_total', '0+1x40'),
    // Every matchmaker counts each lost process.
    quiet: {
      ...counter('breakwater_matchmaker_lost_processes_total', '0x20 2x40', 'replica="1"'),
      ...counter('breakwater_matchmaker_lost_processes_total', '0x20 2x40', 'replica="2"'),
    },
    at: '9m',
    labels: NAMESPACE,
  },
  {
    alert: 'BreakwaterGameRestarts',
    firing: counter('breakwater_simulation_restarts_total', '0x20 1x40'),
    quiet: counter('breakwater_simulation_restarts_total', '3x60'),
    at: '8m',
    labels: NAMESPACE,
  },
  {
    alert: 'BreakwaterBadStarts',
    firing: counter('breakwater_simulation_bad_starts_total', '0x20 1x40'),
    quiet: counter('breakwater_simulation_bad_starts_total', '3x60'),
    at: '8m',
    labels: NAMESPACE,
  },
  {
    alert: 'BreakwaterAwardsWaiting',
    firing: {
      ...counter('breakwater_simulation_pending_awards', '0 3x80'),
      ...counter('breakwater_simulation_award_trouble_total', '0+1x80'),
    },
    quiet: {
      ...counter(
        'breakwater_simulation_pending_awards',
        '0 3 0 2x4 0 1x3 0 5x2 0 0 4x5 0 1x6 0 2x3 0 3x9 0 1x5 0 2x20',
      ),
      ...counter('breakwater_simulation_award_trouble_total', '1x80'),
    },
    at: '15m',
    labels: NAMESPACE,
  },
  {
    alert: 'BreakwaterHandshakesRefused',
    firing: {
      ...counter('breakwater_edge_handshakes_denied_total', '0+60x60', 'reason="rate"'),
      ...counter('breakwater_edge_connections_opened_total', '0+60x60'),
    },
    quiet: {
      ...counter('breakwater_edge_handshakes_denied_total', '0+60x60', 'reason="rate"'),
      ...counter('breakwater_edge_connections_opened_total', '0+900x60'),
    },
    at: '12m',
    labels: NAMESPACE,
  },
  {
    alert: 'BreakwaterSlowClientsCut',
    firing: counter('breakwater_edge_slow_clients_cut_total', '0+60x60'),
    quiet: counter('breakwater_edge_slow_clients_cut_total', '0+2x60'),
    at: '12m',
    labels: NAMESPACE,
  },
  {
    alert: 'BreakwaterFeedResets',
    firing: counter('breakwater_edge_feed_resets_total', '0+60x60', 'kind="room"'),
    quiet: counter('breakwater_edge_feed_resets_total', '0+1x60', 'kind="room"'),
    at: '12m',
    labels: { ...NAMESPACE, kind: 'room' },
  },
  {
    alert: 'BreakwaterEventLoopLag',
    firing: counter('breakwater_event_loop_lag_seconds', '0.8x60'),
    quiet: counter('breakwater_event_loop_lag_seconds', '0.8x10 0.05x60'),
    at: '10m',
    labels: { ...NAMESPACE, service: 's', pod: 'p' },
  },
  {
    alert: 'BreakwaterHandlerErrors',
    firing: counter('breakwater_handler_errors_total', '0x20 1x40'),
    quiet: counter('breakwater_handler_errors_total', '4x60'),
    at: '8m',
    labels: { ...NAMESPACE, service: 's' },
  },
];
