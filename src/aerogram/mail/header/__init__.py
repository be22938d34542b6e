"""Header fields: what may stand in them, and how they are written and folded."""
