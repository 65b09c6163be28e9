import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findPromtool, projectRoot } from '@breakwater/testkit';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { ALERT_CASES } from './alert-cases.ts';
import { at, type Json, list, ofKind, readText, render } from './helm.ts';

const run = promisify(execFile);
const ALERTS = 'charts/breakwater/files/alerts.yaml';
const RUNBOOKS = 'https://github.com/breakwater-io/breakwater/blob/main/docs/runbooks/';

interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const rules = (): AlertRule[] =>
  (parse(readText(ALERTS)) as { groups: { rules: AlertRule[] }[] }).groups.flatMap((group) => group.rules);

/** Pages of `docs/runbooks` without the list of them. */
const runbooks = (): string[] =>
  readdirSync(join(projectRoot, 'docs/runbooks')).filter((file) => file !== 'README.md');

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Json[];
}

const dashboards = (): Dashboard[] =>
  readdirSync(join(projectRoot, 'charts/breakwater/dashboards')).map(
    (file) => JSON.parse(readText(`charts/breakwater/dashboards/${file}`)) as Dashboard,
  );

/** Names and labels of all metrics in the docs. */
function documented(): Map<string, { kind: string; labels: string[] }> {
  const rows = readText('docs/telemetry.md').matchAll(
    /^\| `(breakwater_\w+)` \| (\w+) \| [^|]* \| ([^|]*) \|/gm,
  );
  return new Map(
    [...rows].map(([, name = '', kind = '', labels = '']) => [
      name,
      { kind, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label) },
    ]),
  );
}

/** Labels that Prometheus puts on every series of a pod. */
const POD_LABELS = ['namespace', 'pod', 'service', 'le'];

function checkExpression(expression: string, where: string): void {
  const metrics = documented();
  const names = [...expression.matchAll(/\bbreakwater_\w+/g)].map(([name]) => name);
  expect(names.length, where).toBeGreaterThan(0);
  const known = new Set(POD_LABELS);
  for (const name of names) {
    const base = metrics.has(name) ? name : name.replace(/_bucket$/, '');
    const metric = metrics.get(base);
    expect(metric, `${where}: ${name} is in docs/telemetry.md`).toBeDefined();
    if (base !== name) expect(metric?.kind, `${where}: ${name}`).toBe('histogram');
    else if (metric?.kind === 'counter') expect(expression, `${where}: ${name}`).toMatch(/rate\(|increase\(/);
    for (const label of metric?.labels ?? []) known.add(label);
  }
  const used = [...expression.matchAll(/by \(([^)]*)\)|\{([^}]*)\}/g)].flatMap(([, by = '', filter = '']) => [
    ...by.split(',').map((label) => label.trim()),
    ...[...filter.matchAll(/(\w+)\s*[=!]/g)].map(([, label = '']) => label),
  ]);
  for (const label of used.filter((each) => each !== ''))
    expect(known.has(label), `${where}: the label ${label}`).toBe(true);
}

test('every metric and label of every panel exists', () => {
  expect(documented().size).toBeGreaterThan(60);
  for (const { title, panels } of dashboards())
    for (const panel of panels)
      for (const target of list(panel.targets))
        checkExpression(String(target.expr), `${title}, ${panel.title}`);
});

test('every metric and label of every alert exists', () => {
  for (const { alert, expr } of rules()) checkExpression(expr, alert);
});

test('legends name labels that their query keeps', () => {
  for (const { title, panels } of dashboards()) {
    for (const panel of panels) {
      for (const { expr, legendFormat } of list(panel.targets)) {
        for (const [, label = ''] of String(legendFormat).matchAll(/\{\{(\w+)\}\}/g)) {
          const isPlain = !/\b(sum|max|min)\b/.test(String(expr));
          expect(
            isPlain || new RegExp(`by \\([^)]*\\b${label}\\b`).test(String(expr)),
            `${title}: ${expr}`,
          ).toBe(true);
        }
      }
    }
  }
});

test('dashboards have uids that never change, and a description on every panel', () => {
  expect(
    dashboards()
      .map(({ uid }) => uid)
      .sort(),
  ).toEqual(['breakwater-chat', 'breakwater-games', 'breakwater-nats', 'breakwater-overview']);
  for (const { title, panels } of dashboards()) {
    expect(panels.length, title).toBeGreaterThan(5);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const panel of panels)
      expect(String(panel.description).length, String(panel.title)).toBeGreaterThan(30);
  }
});

test('every alert has its page, and every page its alert', () => {
  const names = rules().map(({ alert }) => alert);
  expect(names.length).toBeGreaterThan(10);
  const pages = runbooks().filter((file) => file.startsWith('Breakwater'));
  expect(pages.sort()).toEqual(names.map((name) => `${name}.md`).sort());
  for (const { alert, labels, annotations } of rules()) {
    expect(annotations.runbook_url).toBe(`${RUNBOOKS}${alert}.md`);
    expect(['warning', 'critical'], alert).toContain(labels.severity);
  }
});

test('there are pages for what happens to whole parts, and the list has every page', () => {
  const pages = runbooks();
  for (const page of ['simulation-pod-lost.md', 'nats-down.md', 'failed-game.md', 'full-stream.md'])
    expect(pages).toContain(page);
  const linked = [...readText('docs/runbooks/README.md').matchAll(/\]\(([\w-]+\.md)\)/g)].map(
    ([, page]) => page,
  );
  expect(linked.toSorted()).toEqual(pages.toSorted());
});

test('every runbook says what it means, what to look at and what to do', () => {
  for (const name of runbooks()) {
    const page = readText(`docs/runbooks/${name}`);
    const parts = ['## What it means', '## What to look at', '## What to do'];
    expect(
      [...page.matchAll(/^## .*$/gm)].map(([heading]) => heading),
      name,
    ).toEqual(parts);
    for (const [, link = ''] of page.matchAll(/\]\(([\w-]+\.md)\)/g))
      expect(existsSync(join(projectRoot, 'docs/runbooks', link)), link).toBe(true);
  }
});

test('settings that runbooks name are settings', () => {
  const settings = readText('docs/config.md');
  for (const page of runbooks())
    for (const [name] of readText(`docs/runbooks/${page}`).matchAll(/\bBREAKWATER_\w+/g))
      expect(settings, page).toContain(`| \`${name}\` |`);
});

test('metrics that runbooks name are metrics', () => {
  const names = runbooks().flatMap((page) => [
    ...readText(`docs/runbooks/${page}`).matchAll(/\bbreakwater_\w+/g),
  ]);
  expect(names.length).toBeGreaterThan(5);
  for (const [name] of names) expect(documented().has(name), name).toBe(true);
});

test('the rules are installed with the runbooks of the values', async () => {
  const rule = ofKind(await render('production'), 'PrometheusRule')[0];
  const installed = list(at(rule, 'spec.groups.0.rules'));
  expect(installed.map(({ alert }) => alert)).toEqual(rules().map(({ alert }) => alert));
  for (const each of installed)
    expect(at(each, 'annotations.runbook_url')).toBe(`https://runbooks.example.com/${each.alert}.md`);
  const monitor = ofKind(await render('production'), 'PodMonitor')[0];
  expect(at(monitor, 'spec.podMetricsEndpoints.0')).toMatchObject({ port: 'admin', path: '/metrics' });
});

test('every alert fires when it should and is quiet when it should', async () => {
  expect(ALERT_CASES.map(({ alert }) => alert).sort()).toEqual(
    rules()
      .map(({ alert }) => alert)
      .sort(),
  );
  const dir = mkdtempSync(join(tmpdir(), 'breakwater-promtool-'));
  try {
    const tests = ALERT_CASES.flatMap(({ alert, firing, quiet, at: time, labels }) => {
      const input = (series: Readonly<Record<string, string>>) =>
        Object.entries(series).map(([name, values]) => ({ series: name, values }));
      const rule = rules().find((each) => each.alert === alert);
      const exp_labels = { ...labels, severity: rule?.labels.severity };
      return [
        {
          interval: '15s',
          input_series: input(firing),
          alert_rule_test: [{ alertname: alert, eval_time: time, exp_alerts: [{ exp_labels }] }],
        },
        {
          interval: '15s',
          input_series: input(quiet),
          alert_rule_test: [{ alertname: alert, eval_time: time, exp_alerts: [] }],
        },
      ];
    });
    // Annotations are left out on purpose: promtool would want each text with its numbers.
    const bare = {
      groups: [{ name: 'breakwater', rules: rules().map(({ annotations: _texts, ...rule }) => rule) }],
    };
    writeFileSync(join(dir, 'rules.yaml'), JSON.stringify(bare));
    writeFileSync(
      join(dir, 'tests.yaml'),
      JSON.stringify({ rule_files: ['rules.yaml'], evaluation_interval: '15s', tests }),
    );
    const promtool = await findPromtool({ install: true });
    await run(promtool, ['check', 'rules', join(projectRoot, ALERTS)]);
    const { stdout } = await run(promtool, ['test', 'rules', join(dir, 'tests.yaml')]);
    expect(stdout).toContain('SUCCESS');
  } finally {
    rmSync(dir, { recursive: true });
  }
}, 300_000);
