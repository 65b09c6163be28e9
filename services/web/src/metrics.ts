import { defineMetrics } from '@breakwater/service-kit';

/** Metrics of the page's server. */
export const metrics = defineMetrics({
  requests: {
    kind: 'counter',
    name: 'breakwater_web_requests_total',
    unit: 'requests',
    doc: 'HTTP requests answered, by status class.',
    labels: ['class'],
  },
});
