"""Base images and toolchains: where they come from, made once, the same bytes for every engine.

    base_images  a source -> an image of a base, with or without Go     types  the plain values
    bootstrap    a suite, by mmdebstrap         archive    an image or a root file system on disk
    toolchain    Go, from PyPI or an archive    image_tar  layers -> a docker-archive
    contents     which glibc and Go are in it   reproducibility  a second bootstrap, compared

An image of a registry is left to the engine that pulls it.
"""
