"""Trials driven through engines: builds in, events in between, records out."""
