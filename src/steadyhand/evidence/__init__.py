"""What is kept of a run, for a person and for a program."""
