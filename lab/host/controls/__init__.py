"""Controls: what a scenario asks of the machine, kept while it runs and undone afterwards.

types       what is asked, what became of it    active    applied for a run, and undone
values      files of the kernel                 pressure  memory held by stress-ng
page_cache  dropped or warmed before a build    page_cache_files  read into it, asked of it
journal     every change on disk before it is made, so that a kill -9 leaves nothing
undo        how each kind of change is undone
"""
