// Draws a dashboard with Grafana's own components, from its JSON and the answers of Prometheus to its queries.
//
// Units, overrides, transformations, legends, tables: all are Grafana's own code. What its packages do not hold is done
// here: the grid, how answers become frames, and state timelines. tools/dashboards calls draw().
import {
  FieldType, Registry, applyFieldOverrides, cacheFieldDisplayNames, createTheme, dateTime, getDisplayValueAlignmentFactors, getFieldDisplayName, getFieldDisplayValues,
  standardTransformers, standardTransformersRegistry, toDataFrame, transformDataFrame,
} from '@grafana/data';
import { BarGauge, BigValue, GlobalStyles, PanelChrome, ThemeContext, TimeSeries, VizLegend, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import '@fontsource/inter/400.css';
import '@fontsource/inter/500.css';
import { createRoot } from 'react-dom/client';
import { firstValueFrom } from 'rxjs';

const CELL = 30;
const GAP = 8;

const { mergeTransformer, organizeFieldsTransformer } = standardTransformers;
standardTransformersRegistry.setInit(() =>
  [mergeTransformer, organizeFieldsTransformer].map((transformation) => ({ id: transformation.id, transformation })),
);

// Grafana knows a property of a field only by its registry, which is part of the program and of no package.
function registryOf({ defaults, overrides }) {
  const changed = overrides.flatMap((override) => override.properties.map((property) => property.id));
  const custom = Object.keys(defaults.custom ?? {}).map((name) => `custom.${name}`);
  return new Registry(() =>
    [...new Set([...Object.keys(defaults), ...changed, ...custom])]
      .filter((id) => id !== 'custom')
      .map((id) => ({
        id,
        name: id,
        path: id.replace(/^custom\./, ''),
        isCustom: id.startsWith('custom.'),
        // JSON has no infinity; Grafana puts it in when it loads a panel.
        process: (value) =>
          id === 'thresholds' ? { ...value, steps: value.steps.map((step) => ({ ...step, value: step.value ?? -Infinity })) } : value,
        shouldApply: () => true,
      })),
  );
}

const numbers = (values) => values.map(([, value]) => (Number.isFinite(Number(value)) ? Number(value) : null));

// As Grafana's data source for Prometheus makes frames: a table of labels and values, or a frame for each series.
function framesOf(panel, answers) {
  if (panel.type === 'table') {
    return answers.map(({ refId, series }) => {
      const labels = [...new Set(series.flatMap(({ metric }) => Object.keys(metric)))].sort();
      const rows = series.map(({ values }) => values.at(-1));
      return toDataFrame({
        refId,
        fields: [
          { name: 'Time', type: FieldType.time, values: rows.map(([at]) => at * 1000) },
          ...labels.map((name) => ({ name, type: FieldType.string, values: series.map(({ metric }) => metric[name] ?? '') })),
          { name: answers.length > 1 ? `Value #${refId}` : 'Value', type: FieldType.number, values: numbers(rows) },
        ],
      });
    });
  }
  return answers.flatMap(({ refId, legend, step, series }) =>
    series.map(({ metric, values }) =>
      toDataFrame({
        refId,
        fields: [
          { name: 'Time', type: FieldType.time, config: { interval: step * 1000 }, values: values.map(([at]) => at * 1000) },
          {
            name: 'Value',
            type: FieldType.number,
            labels: metric,
            config: { displayNameFromDS: legend.replace(/{{(\w+)}}/g, (_, label) => metric[label] ?? '') },
            values: numbers(values),
          },
        ],
      }),
    ),
  );
}

// One span for each stretch of a value, as Grafana's state timeline merges them; that panel is in no package.
function Timeline({ frames, range, width, height }) {
  const rows = frames.slice(0, 20);
  const margin = Math.min(width / 3, 12 + 7 * Math.max(...rows.map((frame) => getFieldDisplayName(frame.fields[1], frame, frames).length)));
  const place = (at) => ((width - margin) * Math.min(Math.max(at - range.from, 0), range.to - range.from)) / (range.to - range.from);
  const shown = new Map();
  const tall = Math.min((height - 32) / rows.length, 34);
  const spans = rows.map((frame, row) => {
    const [time, field] = frame.fields;
    return time.values.map((at, index) => {
      const value = field.display(field.values[index]);
      shown.set(value.text, { label: value.text, color: value.color, yAxis: 1 });
      const left = place(at);
      const style = { position: 'absolute', top: row * tall + 2, height: tall * 0.8, left: margin + left, background: value.color };
      return <div key={`${row} ${at}`} style={{ ...style, width: place(at + time.config.interval) - left + 0.5 }} />;
    });
  });
  return (
    <div style={{ position: 'relative', height }}>
      {rows.map((frame, row) => (
        <div key={row} style={{ position: 'absolute', top: row * tall, lineHeight: `${tall}px`, width: margin - 8, fontSize: 12, overflow: 'hidden', whiteSpace: 'nowrap' }}>
          {getFieldDisplayName(frame.fields[1], frame, frames)}
        </div>
      ))}
      {spans}
      <div style={{ position: 'absolute', bottom: 0 }}>
        <VizLegend displayMode="list" placement="bottom" items={[...shown.values()]} />
      </div>
    </div>
  );
}

function Body({ panel, frames, range, theme, width, height }) {
  const { options, fieldConfig } = panel;
  const timeRange = { from: dateTime(range.from), to: dateTime(range.to), raw: { from: 'now-6h', to: 'now' } };
  const nothing = <div style={{ textAlign: 'center', paddingTop: height / 2 - 12, color: theme.colors.text.secondary }}>{fieldConfig.defaults.noValue}</div>;
  if (panel.type === 'table') {
    if (!frames[0]?.length) {
      return nothing;
    }
    const sorted = options.sortBy.map(({ displayName, desc }) => ({ displayName, desc }));
    return <TableNG data={frames[0]} width={width} height={height} initialSortBy={sorted} cellHeight={options.cellHeight} enableVirtualization={false} />;
  }
  const values = () => getFieldDisplayValues({ fieldConfig, reduceOptions: options.reduceOptions, replaceVariables: (text) => text, theme, data: frames, timeZone: 'utc' });
  if (panel.type === 'stat' || panel.type === 'bargauge') {
    const render = ({ value, width, height, alignmentFactors }) =>
      panel.type === 'stat' ? (
        <BigValue value={value.display} width={width} height={height} theme={theme} colorMode={options.colorMode} graphMode="none" justifyMode={options.justifyMode} textMode={options.textMode} alignmentFactors={alignmentFactors} />
      ) : (
        <BarGauge value={value.display} field={value.field} display={value.view?.getFieldDisplayProcessor(value.colIndex)} width={width} height={height} theme={theme} orientation={options.orientation} displayMode={options.displayMode} namePlacement={options.namePlacement} showUnfilled={options.showUnfilled} valueDisplayMode={options.valueMode} text={options.text} alignmentFactors={alignmentFactors} />
      );
    const size = { maxVizHeight: options.maxVizHeight, minVizHeight: 16, minVizWidth: 8 };
    return <VizRepeater getValues={values} renderValue={render} getAlignmentFactors={getDisplayValueAlignmentFactors} width={width} height={height} source={frames} orientation={options.orientation} autoGrid {...(panel.type === 'bargauge' ? size : {})} />;
  }
  if (!frames.length) {
    return nothing;
  }
  if (panel.type === 'state-timeline') {
    return <Timeline frames={frames} range={range} width={width} height={height} />;
  }
  return <TimeSeries frames={frames} structureRev={1} width={width} height={height} timeRange={timeRange} timeZone="utc" legend={options.legend} options={options} />;
}

async function prepared(panel, answers, theme) {
  let data = framesOf(panel, answers);
  if (panel.transformations) {
    data = await firstValueFrom(transformDataFrame(panel.transformations, data));
  }
  const replaceVariables = (text) => text;
  const frames = applyFieldOverrides({ data, fieldConfig: panel.fieldConfig, fieldConfigRegistry: registryOf(panel.fieldConfig), replaceVariables, theme, timeZone: 'utc' });
  cacheFieldDisplayNames(frames);
  return frames;
}

// Gives the size of the picture.
window.draw = async ({ dashboard, answers, ranges, dark, width }) => {
  const theme = createTheme({ colors: { mode: dark ? 'dark' : 'light' } });
  const column = (width + GAP) / 24;
  const frames = {};
  for (const panel of dashboard.panels.filter(({ type }) => type !== 'row')) {
    frames[panel.id] = await prepared(panel, answers[panel.id], theme);
  }
  const place = ({ x, y, w, h }) => ({ position: 'absolute', left: x * column, top: y * (CELL + GAP), width: w * column - GAP, height: h * (CELL + GAP) - GAP });
  const height = Math.max(...dashboard.panels.map(({ gridPos: { y, h } }) => y + h)) * (CELL + GAP);
  document.body.style.margin = 0;
  document.body.innerHTML = '<div id="root"></div>';
  createRoot(document.getElementById('root')).render(
    <ThemeContext.Provider value={theme}>
      <GlobalStyles isExtensionSidebarOpen={false} />
      <div style={{ position: 'relative', width, height, background: theme.colors.background.canvas }}>
        {dashboard.panels.map((panel) => {
          const at = place(panel.gridPos);
          if (panel.type === 'row') {
            return <h4 key={panel.id} style={{ ...at, lineHeight: `${at.height}px` }}>{panel.title}</h4>;
          }
          return (
            <div key={panel.id} style={at}>
              <PanelChrome title={panel.title} width={at.width} height={at.height}>
                {(width, height) => <Body panel={panel} frames={frames[panel.id]} range={ranges[panel.id]} theme={theme} width={width} height={height} />}
              </PanelChrome>
            </div>
          );
        })}
      </div>
    </ThemeContext.Provider>,
  );
  await document.fonts.ready;
  return { width, height };
};
