"""What programs and notebooks call, and what the commands call too: docs/python.md."""
