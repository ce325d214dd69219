"""Go toolchains: side by side on a machine, traced, measured, and claims about them tested."""
