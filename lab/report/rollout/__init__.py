"""A rollout that waits for the gate: an admission webhook, and the manifests that call it."""
