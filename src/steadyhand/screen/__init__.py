"""Screens that can be looked at and acted on."""
