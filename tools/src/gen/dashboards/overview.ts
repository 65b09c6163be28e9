import { type Dashboard, quantile, rate, series, total } from './panel.ts';

/** What to look at first: clients, traffic, refusals, processes. */
export const overviewDashboard: Dashboard = {
  name: 'overview',
  uid: 'breakwater-overview',
  title: 'Breakwater / Overview',
  description: 'Connections, traffic, refusals and the health of the processes.',
  panels: [
    {
      title: 'Connections',
      description:
        'Open client connections of each edge. A step down that no other edge takes up means that clients were lost.',
      unit: 'short',
      isStacked: true,
      queries: { '{{pod}}': total('breakwater_edge_connections', 'pod') },
    },
    {
      title: 'Connections opened and closed',
      description:
        'Connections taken, and those that ended by close code. Many 1006 or 44xx at once is a network or an edge in trouble; 1012 belongs to a rollout.',
      unit: 'cps',
      queries: {
        opened: rate('breakwater_edge_connections_opened_total'),
        'closed {{code}}': rate('breakwater_edge_connections_closed_total', 'code'),
      },
    },
    {
      title: 'Handshakes refused',
      description:
        'Connections that were not taken, by reason. Rate and limit reasons mean that more edges are needed, or that somebody is knocking.',
      unit: 'cps',
      queries: { '{{reason}}': rate('breakwater_edge_handshakes_denied_total', 'reason') },
    },
    {
      title: 'Frames in and out',
      description: 'Frames from and to clients. Out is in times the size of rooms and games.',
      unit: 'pps',
      queries: {
        in: rate('breakwater_edge_frames_in_total'),
        out: rate('breakwater_edge_frames_out_total'),
      },
    },
    {
      title: 'Bytes in and out',
      description: 'Bytes from and to clients, before TLS.',
      unit: 'Bps',
      queries: {
        in: rate('breakwater_edge_bytes_in_total'),
        out: rate('breakwater_edge_bytes_out_total'),
      },
    },
    {
      title: 'Delivery time',
      description:
        'What a message or a tick waits for before clients get it: chat from the send to its acknowledgement, games from handing a record to NATS until it is certain. 99th percentile.',
      unit: 's',
      queries: {
        'chat p99': quantile(0.99, 'breakwater_chat_send_duration_seconds'),
        'chat p50': quantile(0.5, 'breakwater_chat_send_duration_seconds'),
        'games p99': quantile(0.99, 'breakwater_simulation_append_duration_seconds'),
      },
    },
    {
      title: 'Slow clients',
      description:
        'Frames that slow clients did not get, by what replaces them, and clients that were cut off.',
      unit: 'cps',
      queries: {
        'dropped {{class}}': rate('breakwater_edge_frames_dropped_total', 'class'),
        'cut off': rate('breakwater_edge_slow_clients_cut_total'),
      },
    },
    {
      title: 'Bad and throttled frames',
      description:
        'Frames that were not valid or over the rate. A few are broken clients, many are an attack.',
      unit: 'cps',
      queries: {
        bad: rate('breakwater_edge_bad_frames_total'),
        throttled: rate('breakwater_edge_frames_throttled_total'),
      },
    },
    {
      title: 'Feeds repaired and reset',
      description:
        'Records that a feed lost and that were read from the log, and clients given full state because that was not possible. Resets should be rare.',
      unit: 'cps',
      queries: {
        'repaired {{kind}}': rate('breakwater_edge_feed_repaired_records_total', 'kind'),
        'reset {{kind}} {{reason}}': rate('breakwater_edge_feed_resets_total', 'kind, reason'),
      },
    },
    {
      title: 'CPU',
      description:
        'CPU seconds a second of each process. JavaScript runs on one core: near 1 a process is full.',
      unit: 'short',
      queries: { '{{pod}}': rate('breakwater_process_cpu_seconds_total', 'pod') },
    },
    {
      title: 'Memory',
      description: 'Resident memory of each process, to hold against its limit.',
      unit: 'bytes',
      queries: { '{{pod}}': series('breakwater_process_resident_memory_bytes') },
    },
    {
      title: 'Event-loop lag and failing handlers',
      description:
        'Longest delay of the event loop, and handlers that threw. Above 100 ms people notice; each throw is a bug or a fault seen.',
      unit: 'short',
      queries: {
        'lag {{pod}}': series('breakwater_event_loop_lag_seconds'),
        'threw {{pod}}': rate('breakwater_handler_errors_total', 'pod'),
      },
    },
  ],
};
