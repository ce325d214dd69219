"""Go toolchains side by side on this machine: installed, switched atomically, staged, handed out.

home      the folder of versions, and which generation is current    mounting   mounts, swapped
switch    use, rollback, status                                      stage      copies in memory
inject    what sets a toolchain in a shell or a pipeline             distribute on every node
"""
