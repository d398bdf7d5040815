"""What the tests stand on: surroundings that are nobody's, workers on lease, homes that are warm."""
