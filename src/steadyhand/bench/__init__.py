"""Measuring: how often the resolver is right on recorded cases, and what it costs beside other tools."""
