"""Which remote cache a CI job should be given, by a history and by what a run measured."""
