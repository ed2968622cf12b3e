"""What the classes of the model rest on: their base, checks, text, and JSON."""
