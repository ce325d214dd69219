"""Published claims put to the test: a file of claims -> experiments -> an answer to each.

types, reading   the file, every mistake with its place     needs        what this host has
experiments      which experiment a claim asks for          judge        samples -> answers; pure
verify           the run, resumable                         report       Markdown and HTML
"""
