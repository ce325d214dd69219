"""A scenario file -> Scenario -> cells -> trials, in the order in which they run."""
