"""Speed and memory, beside a peer in the same run: ``./run bench NAME`` is ``python -m benchmarks.NAME``."""
