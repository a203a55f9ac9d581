// What the parts of a dashboard's JSON must look like, by Grafana's own types.
//
// tests/unit/deploy/test_dashboard_schema.py writes each part as a constant of one of these types and lets the TypeScript
// compiler judge: a wrong type, a missing key and a key that Grafana does not know are errors.
import type { AnnotationQuery, Dashboard, DataQuery, FieldConfig, Panel, RowPanel } from '@grafana/schema';
import type { TableFieldOptions } from '@grafana/schema';
import type * as bargauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as statetimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// JSON has no enums: an enum is the literals of its members.
type AsJson<T> = unknown extends T
  ? T
  : T extends string
    ? `${T}`
    : T extends number
      ? `${T}` extends `${infer N extends number}`
        ? N
        : never
      : T extends Array<infer Item>
        ? Array<AsJson<Item>>
        : T extends object
          ? { [Key in keyof T]: AsJson<T[Key]> }
          : T;

// The package does not describe Prometheus' queries; these are the keys its query editor knows.
interface PrometheusQuery extends DataQuery {
  expr: string;
  editorMode: 'builder' | 'code';
  format: 'heatmap' | 'table' | 'time_series';
  instant: boolean;
  interval?: string;
  legendFormat: string;
  range: boolean;
}

// As with queries, the data source adds keys of its own.
interface PrometheusAnnotation extends AnnotationQuery {
  target: DataQuery & { expr: string; interval: string };
  textFormat: string;
  titleFormat: string;
}

type Defaults<Custom> = Omit<FieldConfig, 'custom'> & { custom?: Custom };

type PanelOf<Type extends string, Options, Custom> = Omit<Panel, 'fieldConfig' | 'options' | 'targets' | 'type'> & {
  fieldConfig: Omit<NonNullable<Panel['fieldConfig']>, 'defaults'> & { defaults: Defaults<Custom> };
  options: Options;
  targets: PrometheusQuery[];
  type: Type;
};

export interface Customs {
  bargauge: Record<string, never>;
  stat: Record<string, never>;
  'state-timeline': statetimeline.FieldConfig;
  table: TableFieldOptions;
  timeseries: timeseries.FieldConfig;
}

interface Options {
  bargauge: bargauge.Options;
  stat: stat.Options;
  'state-timeline': statetimeline.Options;
  table: table.Options;
  timeseries: timeseries.Options;
}

export type Frame = AsJson<Omit<Dashboard, 'annotations' | 'panels'>>;
export type Row = AsJson<RowPanel>;
export type Annotation = AsJson<PrometheusAnnotation>;
export type PanelJson<Type extends keyof Options> = AsJson<PanelOf<Type, Options[Type], Customs[Type]>>;
// What an override may change: a property of a field, or one of the kind of panel.
export type Override = AsJson<Partial<Omit<FieldConfig, 'custom'>>>;
export type CustomOverride<Type extends keyof Customs> = AsJson<Partial<Customs[Type]>>;
