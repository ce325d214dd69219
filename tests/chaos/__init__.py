"""The lab under fire: kills, starved disks, broken streams and damaged input, each by a seed."""
