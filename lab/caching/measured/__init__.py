"""What runs measured of a Dockerfile's instructions, found again for another question."""
