import { chatDashboard } from './chat.ts';
import { gamesDashboard } from './games.ts';
import { natsDashboard } from './nats.ts';
import { overviewDashboard } from './overview.ts';
import type { Dashboard, Panel } from './panel.ts';

/** Grafana dashboards of the chart, a file for each. */
export const DASHBOARDS: readonly Dashboard[] = [
  overviewDashboard,
  chatDashboard,
  gamesDashboard,
  natsDashboard,
];

const COLUMNS = 24;
const PANEL_WIDTH = 8;
const PANEL_HEIGHT = 8;

const DATASOURCE = { type: 'prometheus', uid: '$datasource' };

/** The dashboard as Grafana imports it. Ids and places follow from the order, so that they stay the same. */
export function renderDashboard({ uid, title, description, panels }: Dashboard): string {
  const model = {
    uid,
    title,
    description,
    tags: ['breakwater'],
    editable: false,
    graphTooltip: 1,
    refresh: '30s',
    schemaVersion: 39,
    version: 1,
    time: { from: 'now-1h', to: 'now' },
    timezone: 'browser',
    templating: { list: [datasourceVariable, namespaceVariable] },
    panels: panels.map(renderPanel),
  };
  return `${JSON.stringify(model, null, 2)}\n`;
}

const datasourceVariable = {
  name: 'datasource',
  label: 'Data source',
  type: 'datasource',
  query: 'prometheus',
};

const namespaceVariable = {
  name: 'namespace',
  label: 'Namespace',
  type: 'query',
  datasource: DATASOURCE,
  query: 'label_values(breakwater_process_start_time_seconds, namespace)',
  includeAll: true,
  multi: true,
  refresh: 2,
};

function renderPanel({ title, description, unit, queries, isStacked }: Panel, index: number) {
  const perRow = COLUMNS / PANEL_WIDTH;
  return {
    id: index + 1,
    type: 'timeseries',
    title,
    description,
    datasource: DATASOURCE,
    gridPos: {
      h: PANEL_HEIGHT,
      w: PANEL_WIDTH,
      x: (index % perRow) * PANEL_WIDTH,
      y: Math.floor(index / perRow) * PANEL_HEIGHT,
    },
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        custom: isStacked === true ? { fillOpacity: 20, stacking: { mode: 'normal' } } : { fillOpacity: 5 },
      },
      overrides: [],
    },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } },
    targets: Object.entries(queries).map(([legendFormat, expr], at) => ({
      refId: String.fromCharCode(65 + at),
      expr,
      legendFormat,
      datasource: DATASOURCE,
    })),
  };
}
