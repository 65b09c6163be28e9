import { describe, expect, test } from 'vitest';
import { metricsMarkdownRows } from './markdown.ts';
import { defineMetrics, type MetricDefinition, MetricRegistry } from './metrics.ts';
import { renderPrometheus } from './prometheus.ts';

const table = defineMetrics({
  sockets: { kind: 'gauge', name: 'breakwater_demo_sockets', unit: 'sockets', doc: 'Open sockets.' },
  closes: {
    kind: 'counter',
    name: 'breakwater_demo_closes_total',
    unit: '1',
    doc: 'Closes.',
    labels: ['code', 'side'],
  },
  tick: {
    kind: 'histogram',
    name: 'breakwater_demo_tick_seconds',
    unit: 's',
    doc: 'Tick.',
    buckets: [0.01, 0.1, 1],
  },
});

function fresh() {
  const registry = new MetricRegistry();
  return { registry, handles: registry.register(table), text: () => renderPrometheus(registry).split('\n') };
}

describe('a registry', () => {
  test('shows counters, gauges and histograms in the Prometheus text format', () => {
    const { handles, text } = fresh();
    handles.sockets.set(3);
    handles.sockets.add(-1);
    handles.closes.add(2, { code: '1012', side: 'server' });
    handles.closes.with({ code: '1012', side: 'server' }).add(1);
    for (const seconds of [0.01, 0.05, 5]) handles.tick.record(seconds);
    expect(text()).toEqual([
      '# HELP breakwater_demo_sockets Open sockets.',
      '# TYPE breakwater_demo_sockets gauge',
      'breakwater_demo_sockets 2',
      '# HELP breakwater_demo_closes_total Closes.',
      '# TYPE breakwater_demo_closes_total counter',
      'breakwater_demo_closes_total{code="1012",side="server"} 3',
      '# HELP breakwater_demo_tick_seconds Tick.',
      '# TYPE breakwater_demo_tick_seconds histogram',
      'breakwater_demo_tick_seconds_bucket{le="0.01"} 1',
      'breakwater_demo_tick_seconds_bucket{le="0.1"} 2',
      'breakwater_demo_tick_seconds_bucket{le="1"} 2',
      'breakwater_demo_tick_seconds_bucket{le="+Inf"} 3',
      'breakwater_demo_tick_seconds_sum 5.06',
      'breakwater_demo_tick_seconds_count 3',
      '',
    ]);
  });

  test('reads an observed value when somebody looks', () => {
    const { handles, text } = fresh();
    let sockets = 1;
    handles.sockets.observe(() => sockets);
    sockets = 7;
    expect(text()).toContain('breakwater_demo_sockets 7');
  });

  test('leaves out a value that cannot be read, and shows the rest', () => {
    const { handles, text } = fresh();
    handles.sockets.observe(() => {
      throw new Error('gone');
    });
    handles.tick.record(1);
    expect(text()).toContain('breakwater_demo_tick_seconds_count 1');
    expect(text().some((line) => line.startsWith('breakwater_demo_sockets '))).toBe(false);
  });

  test('escapes label values', () => {
    const { handles, text } = fresh();
    handles.closes.add(1, { code: 'a"b\\c\nd', side: 'x' });
    expect(text()).toContain('breakwater_demo_closes_total{code="a\\"b\\\\c\\nd",side="x"} 1');
  });

  test('bounds label sets: what comes after 200 is counted together', () => {
    const { handles, text } = fresh();
    for (let i = 0; i < 1_000; i++) handles.closes.add(1, { code: `c${i}`, side: 's' });
    const lines = text().filter((line) => line.startsWith('breakwater_demo_closes_total{'));
    expect(lines).toHaveLength(201);
    expect(lines).toContain('breakwater_demo_closes_total{code="other",side="other"} 800');
  });

  test('refuses the same name twice', () => {
    const { registry } = fresh();
    expect(() => registry.register(table)).toThrow('registered twice');
  });
});

describe('a table', () => {
  const base: MetricDefinition = { kind: 'counter', name: 'breakwater_x_total', unit: '1', doc: 'x' };
  test.each([
    ['a foreign prefix', { ...base, name: 'other_total' }],
    ['a counter without _total', { ...base, name: 'breakwater_x' }],
    ['a gauge with _total', { ...base, kind: 'gauge' }],
    ['a histogram without buckets', { ...base, kind: 'histogram', name: 'breakwater_x' }],
    ['buckets that fall', { ...base, kind: 'histogram', name: 'breakwater_x', buckets: [2, 1] }],
    ['an odd label', { ...base, labels: ['Room-Id'] }],
  ] as const)('refuses %s', (_what, definition) => {
    expect(() => defineMetrics({ it: definition })).toThrow('metric it');
  });

  test('becomes one documentation row for each metric', () => {
    expect(metricsMarkdownRows(table)).toContain(
      '| `breakwater_demo_closes_total` | counter | 1 | `code`, `side` | Closes. |',
    );
    expect(metricsMarkdownRows(table)).toHaveLength(3);
  });
});
