"""What a robot has learned, and how it goes back to what it knew before."""
