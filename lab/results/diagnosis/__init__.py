"""Root causes from logs: what a build's steps printed, against what good builds print."""
