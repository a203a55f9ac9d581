// Alerts, recording rules and dashboards of braze-cdi-exporter as a monitoring mixin. What may differ between
// installations is `_config`; the rest is made from deploy/prometheus/rules and deploy/grafana/dashboards.
{
  _config+:: {
    // The name of the scrape job.
    job: 'braze-cdi-exporter',
    // Labels by which your scrapes tell installations apart; every expression keeps them.
    installationLabels: ['cluster', 'namespace'],
    // Where the exporter's status page is, without a slash at the end, and where the runbook.
    statusUrl: 'http://localhost:10273',
    runbookUrl: 'https://github.com/braze-cdi-exporter/braze-cdi-exporter/blob/main/docs/runbook.md',
  },

  local config = self._config,
  local labels = config.installationLabels,
  local replaced(value) = std.parseJson(std.foldl(
    function(text, each) std.strReplace(text, each[0], each[1]),
    [
      ['job=\\"braze-cdi-exporter\\"', 'job=\\"' + config.job + '\\"'],
      ['cluster, namespace', std.join(', ', labels)],
      ['cluster=%q, namespace=%q', std.join(', ', [label + '=%q' for label in labels])],
      ['$labels.cluster $labels.namespace', std.join(' ', ['$labels.' + label for label in labels])],
      ['http://localhost:10273', config.statusUrl],
      ['https://github.com/braze-cdi-exporter/braze-cdi-exporter/blob/main/docs/runbook.md', config.runbookUrl],
    ],
    std.manifestJsonMinified(value)
  )),
  local made = import 'made.json',
  local has(kind, group) = std.length([rule for rule in group.rules if std.objectHas(rule, kind)]) > 0,

  // Groups with alerts keep the recording rules that these read: Prometheus evaluates a group in its order.
  prometheusAlerts+:: { groups+: [replaced(group) for group in made.groups if has('alert', group)] },
  prometheusRules+:: { groups+: [replaced(group) for group in made.groups if !has('alert', group)] },
  grafanaDashboards+:: replaced(made.dashboards),
}
