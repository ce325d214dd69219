"""The container image build lab: what was measured, how sure that is, and why."""

__version__ = "0.2.0"
