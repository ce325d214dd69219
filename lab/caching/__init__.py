"""What a layer cache will do and why: explain, predict, replay, advise."""
