"""pytest-benchmark suites: thin, they make Cells and call the harness."""
