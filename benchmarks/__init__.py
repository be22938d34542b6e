"""Benchmarks of speed and memory, most of them beside a peer: ``./run bench NAME``."""
