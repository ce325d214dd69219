"""A results folder for Prometheus: figures, rules with their tests, and a Grafana dashboard."""
