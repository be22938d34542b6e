"""Speed and memory, always beside a peer in the same run: ``./run bench NAME`` is ``python -m benchmarks.NAME``."""
