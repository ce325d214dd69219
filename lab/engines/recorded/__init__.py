"""Builds that other tools recorded: files of their formats read back into the lab's events."""
