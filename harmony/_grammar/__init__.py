"""What samplers can be held to."""
