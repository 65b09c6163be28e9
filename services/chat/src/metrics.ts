import { defineMetrics, SECONDS_BUCKETS } from '@breakwater/service-kit';

/** Metrics of chat. */
export const metrics = defineMetrics({
  requests: {
    kind: 'counter',
    name: 'breakwater_chat_requests_total',
    unit: 'requests',
    doc: 'Requests answered, by what was asked and how it ended (ok or an error code).',
    labels: ['verb', 'outcome'],
  },
  sendSeconds: {
    kind: 'histogram',
    name: 'breakwater_chat_send_duration_seconds',
    unit: 's',
    doc: 'Time from a send to its acknowledgement or refusal.',
    buckets: SECONDS_BUCKETS,
  },
  sent: {
    kind: 'counter',
    name: 'breakwater_chat_sent_total',
    unit: 'messages',
    doc: 'Messages acknowledged: stored now, or found stored before (duplicate).',
    labels: ['kind'],
  },
  joins: {
    kind: 'counter',
    name: 'breakwater_chat_joins_total',
    unit: 'requests',
    doc: 'Joins: first time, resumed without a gap (recovered), or with a position that could not be resumed (reset).',
    labels: ['kind'],
  },
  doubts: {
    kind: 'counter',
    name: 'breakwater_chat_doubts_total',
    unit: 'appends',
    doc: 'Appends without a certain answer; each was asked again.',
  },
  lookups: {
    kind: 'counter',
    name: 'breakwater_chat_lookups_total',
    unit: '1',
    doc: 'Looks into a log for a message id beyond the duplicate window.',
  },
  rooms: { kind: 'gauge', name: 'breakwater_chat_rooms', unit: 'rooms', doc: 'Rooms that there are.' },
  lostStreams: {
    kind: 'gauge',
    name: 'breakwater_chat_lost_streams',
    unit: 'streams',
    doc: 'Streams with messages that vanished. Their rooms are unavailable until somebody restores them.',
  },
  unreadable: {
    kind: 'counter',
    name: 'breakwater_chat_unreadable_records_total',
    unit: 'records',
    doc: 'Records of a log or presence messages that could not be decoded.',
  },
  edges: {
    kind: 'gauge',
    name: 'breakwater_chat_edges',
    unit: 'edges',
    doc: 'Edges that are heard.',
  },
  present: {
    kind: 'gauge',
    name: 'breakwater_chat_present',
    unit: 'members',
    doc: 'Members present, one for each user and room.',
  },
  replicas: {
    kind: 'gauge',
    name: 'breakwater_chat_replicas',
    unit: 'replicas',
    doc: 'Chat replicas among which the rooms are shared out, as this one sees it.',
  },
  syncs: {
    kind: 'counter',
    name: 'breakwater_chat_edge_syncs_total',
    unit: 'requests',
    doc: 'Times that an edge was asked for all its members, by how it ended.',
    labels: ['outcome'],
  },
  presencePublished: {
    kind: 'counter',
    name: 'breakwater_chat_presence_published_total',
    unit: 'messages',
    doc: 'Changes of rosters and counts that were published.',
  },
  lastSeenDropped: {
    kind: 'counter',
    name: 'breakwater_chat_last_seen_dropped_total',
    unit: '1',
    doc: 'Last-seen times that were not written because too many waited or NATS was away.',
  },
});
