"""Throughput against batch size."""
