"""Finding a recorded target again on another screen, or saying honestly that it cannot be found."""
