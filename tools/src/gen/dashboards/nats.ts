import { type Dashboard, quantile, rate, total } from './panel.ts';

/** NATS as the services feel it. */
export const natsDashboard: Dashboard = {
  name: 'nats',
  uid: 'breakwater-nats',
  title: 'Breakwater / NATS',
  description: 'Connections, requests and appends, as the services see them.',
  panels: [
    {
      title: 'Connected processes',
      description: 'Should be the number of processes, always.',
      unit: 'short',
      queries: { '{{service}}': total('breakwater_nats_connected', 'service') },
    },
    {
      title: 'Reconnections and slow consumers',
      description:
        'Connections made again, and times that NATS cut a process off because it read too slowly.',
      unit: 'cps',
      queries: {
        'reconnects {{pod}}': rate('breakwater_nats_reconnects_total', 'pod'),
        'slow {{pod}}': rate('breakwater_nats_slow_consumer_total', 'pod'),
      },
    },
    {
      title: 'Appends by result',
      description: 'Appends to streams. Doubt and full are the ones to look into.',
      unit: 'cps',
      queries: { '{{result}}': rate('breakwater_nats_commits_total', 'result') },
    },
    {
      title: 'Time of an append',
      description: 'Until it was acknowledged, refused or in doubt, by service.',
      unit: 's',
      queries: { 'p99 {{service}}': quantile(0.99, 'breakwater_nats_commit_duration_seconds', 'service') },
    },
    {
      title: 'Requests by outcome',
      description: 'Requests between services and to JetStream.',
      unit: 'reqps',
      queries: { '{{outcome}}': rate('breakwater_nats_requests_total', 'outcome') },
    },
    {
      title: 'Time of a request',
      description: 'Until it was answered or given up, by service.',
      unit: 's',
      queries: { 'p99 {{service}}': quantile(0.99, 'breakwater_nats_request_duration_seconds', 'service') },
    },
    {
      title: 'Requests answered',
      description: 'By outcome, and those refused because too many were in flight.',
      unit: 'reqps',
      queries: {
        '{{outcome}}': rate('breakwater_nats_handled_total', 'outcome'),
        busy: rate('breakwater_nats_busy_total'),
      },
    },
    {
      title: 'Messages not sent',
      description:
        'Messages that were not published because NATS was away. What matters is repeated by other means.',
      unit: 'mps',
      queries: { '{{pod}}': rate('breakwater_nats_unsent_total', 'pod') },
    },
  ],
};
