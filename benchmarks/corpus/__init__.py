"""What real Dockerfiles hold: public ones put through the lab's verbs, and built (corpus.md)."""
