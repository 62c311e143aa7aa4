"""Scripts that measure what the documentation states; each prints a markdown table."""
