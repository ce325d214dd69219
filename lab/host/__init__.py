"""This machine: its facts, processes, files and cgroups; what a run controls and monitors."""
