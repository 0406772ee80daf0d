"""JSON Schemas of the files that people write, made from what reads them."""
