"""A run, a comparison or a validation for people and machines: values in, text out."""
