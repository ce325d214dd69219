"""What was measured: the results folder, statistics, comparisons, history and the gate."""
