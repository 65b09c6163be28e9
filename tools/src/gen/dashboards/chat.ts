import { type Dashboard, quantile, rate, total } from './panel.ts';

/** Rooms, messages and presence. */
export const chatDashboard: Dashboard = {
  name: 'chat',
  uid: 'breakwater-chat',
  title: 'Breakwater / Chat',
  description: 'Messages, joins, presence, and what goes wrong with them.',
  panels: [
    {
      title: 'Messages acknowledged',
      description: 'Stored now, or found stored before (duplicate: a client sent it again).',
      unit: 'mps',
      queries: { '{{kind}}': rate('breakwater_chat_sent_total', 'kind') },
    },
    {
      title: 'Time to acknowledge',
      description: 'From a send to its acknowledgement or refusal, most of which is the append to NATS.',
      unit: 's',
      queries: {
        p50: quantile(0.5, 'breakwater_chat_send_duration_seconds'),
        p99: quantile(0.99, 'breakwater_chat_send_duration_seconds'),
      },
    },
    {
      title: 'Requests by outcome',
      description:
        'Everything that is asked of chat. Outcomes besides ok are error codes, see docs/errors.md.',
      unit: 'reqps',
      queries: { '{{verb}} {{outcome}}': rate('breakwater_chat_requests_total', 'verb, outcome') },
    },
    {
      title: 'Joins',
      description:
        'First joins, resumes without a gap (recovered) and resumes that got the latest page instead (reset).',
      unit: 'cps',
      queries: { '{{kind}}': rate('breakwater_chat_joins_total', 'kind') },
    },
    {
      title: 'Appends in doubt, looks into logs',
      description:
        'Appends without a certain answer, asked again; and message ids looked up beyond the duplicate window. Both rise when NATS is slow or away.',
      unit: 'cps',
      queries: {
        doubts: rate('breakwater_chat_doubts_total'),
        lookups: rate('breakwater_chat_lookups_total'),
      },
    },
    {
      title: 'People and rooms',
      description:
        'Members present, each counted once a room, and rooms that there are, as the replicas see them.',
      unit: 'short',
      queries: {
        'present {{pod}}': total('breakwater_chat_present', 'pod'),
        'rooms {{pod}}': total('breakwater_chat_rooms', 'pod'),
      },
    },
    {
      title: 'Edges and replicas heard',
      description:
        'Every replica should hear every edge, and every other replica. Differences mean that presence disagrees.',
      unit: 'short',
      queries: {
        'edges {{pod}}': total('breakwater_chat_edges', 'pod'),
        'replicas {{pod}}': total('breakwater_chat_replicas', 'pod'),
      },
    },
    {
      title: 'Presence published, edges asked',
      description: 'Changes of rosters and counts, and times that an edge had to name all its members.',
      unit: 'mps',
      queries: {
        published: rate('breakwater_chat_presence_published_total'),
        'asked {{outcome}}': rate('breakwater_chat_edge_syncs_total', 'outcome'),
      },
    },
    {
      title: 'Lost streams, unreadable records',
      description: 'Anything but zero means that stored messages are gone or damaged.',
      unit: 'short',
      queries: {
        'lost streams {{pod}}': total('breakwater_chat_lost_streams', 'pod'),
        unreadable: rate('breakwater_chat_unreadable_records_total'),
      },
    },
  ],
};
