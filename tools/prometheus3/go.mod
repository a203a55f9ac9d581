// Prometheus and Alertmanager for tools/test-prometheus3: the versions that deploy/compose.yaml starts. Prometheus 3.13.1
// is v0.313.1 as a Go module. go.sum has the hashes of their sources, and these hold the hashes of all they need.
//
// Other versions: change them here and in deploy/compose.yaml, then in this folder
// rm go.sum && go mod download github.com/prometheus/alertmanager github.com/prometheus/prometheus
module braze-cdi-exporter/prometheus3

go 1.25.0

require (
	github.com/prometheus/alertmanager v0.33.1
	github.com/prometheus/prometheus v0.313.1
)
