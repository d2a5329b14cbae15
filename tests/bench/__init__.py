"""The benchmarks: ratios side by side in one run."""
