"""
The Grafana dashboards as code: `python -m deploy.grafana.source` writes `deploy/grafana/dashboards/*.json`.

`fleet` and `integration` say what the two dashboards show. The other files hold what they share: words, colours,
queries, kinds of panels, and the frame around them. Users of the dashboards need only the JSON.
"""
