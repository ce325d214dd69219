"""The values that all the rest speaks in: errors, an engine's events, records, units."""
