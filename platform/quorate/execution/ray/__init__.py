"""Fits on Ray, the job client, and the cluster of our own: the only room that imports Ray."""
