"""The engine: one JSON object a line in, one or more a line out."""
