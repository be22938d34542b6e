"""A message becomes bytes: header block, parts, transfer encodings."""
