// What Grafana takes for a dashboard with the panels that deploy/grafana generates, of the
// types that Grafana publishes. A test compiles the dashboards against it.
import type * as grafana from '@grafana/schema';
import type * as barchart from '@grafana/schema/dist/esm/raw/composable/barchart/panelcfg/x/BarChartPanelCfg_types.gen.d.ts';
import type * as bargauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen.d.ts';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen.d.ts';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen.d.ts';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen.d.ts';

// JSON is T as JSON has it: the value of an enumeration in place of its name.
type JSON<T> = T extends string
  ? `${T}`
  : T extends (infer E)[]
    ? JSON<E>[]
    : T extends object
      ? { [K in keyof T]: JSON<T[K]> }
      : T;

// Query is that of the data source for PostgreSQL, which @grafana/schema does not have:
// SQLQuery of packages/grafana-sql in Grafana's repository.
interface Query extends grafana.DataQuery {
  datasource: grafana.DataSourceRef;
  format: 'table' | 'time_series';
  editorMode: 'code';
  rawQuery: true;
  rawSql: string;
}

// Link is DataLink of @grafana/data.
interface Link {
  title: string;
  url: string;
}

interface Field<Custom> extends Omit<grafana.FieldConfig, 'custom' | 'links'> {
  custom?: Partial<Custom>;
  links?: Link[];
}

// Property is a property of a field, by its path.
type Property<Fields, Prefix extends string = ''> = {
  [K in keyof Fields & string]-?: { id: `${Prefix}${K}`; value: NonNullable<Fields[K]> };
}[keyof Fields & string];

// Panel leaves out what a panel of that type takes its own defaults for.
interface Panel<Type, Options, Custom>
  extends Omit<grafana.Panel, 'type' | 'targets' | 'options' | 'fieldConfig'> {
  type: Type;
  targets: Query[];
  options: Partial<Options>;
  fieldConfig: {
    defaults: Field<Custom>;
    overrides: {
      matcher: { id: 'byName'; options: string };
      properties: (Property<Omit<Field<Custom>, 'custom'>> | Property<Custom, 'custom.'>)[];
    }[];
  };
}

interface Board extends Omit<grafana.Dashboard, 'panels'> {
  panels: (
    | Panel<'barchart', barchart.Options, barchart.FieldConfig>
    | Panel<'bargauge', bargauge.Options, {}>
    | Panel<'stat', stat.Options, {}>
    | Panel<'table', table.Options, table.FieldConfig>
    | Panel<'timeseries', timeseries.Options, timeseries.FieldConfig>
  )[];
}

export type Dashboard = JSON<Board>;
