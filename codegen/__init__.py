"""From an exact expression to a numerical kernel that is checked against mpmath."""
