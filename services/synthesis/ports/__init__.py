"""What synthesis gives away in forms that others defined."""
