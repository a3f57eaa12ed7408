"""Doing a step: input events, checking what they did, and ways to try again."""
