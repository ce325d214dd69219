"""A run as an OpenTelemetry trace."""
