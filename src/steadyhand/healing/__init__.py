"""Whether to go on, to be stricter, or to stop: events in, decisions out, and never a screen or an image."""
