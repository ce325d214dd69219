"""Experiments on this host's Go toolchains, each usable alone and by a claim.

An experiment takes settings and gives an Outcome: named samples in seconds, bytes or counts, facts,
and for what it could not measure here the reason. What it mounts is in a Sandbox, which is given
back at its end, and after a kill -9 by the next experiment.
"""
