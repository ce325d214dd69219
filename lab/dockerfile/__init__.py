"""What a build is made from: Dockerfile, context, edits, layouts, and what its cache keys hold."""
