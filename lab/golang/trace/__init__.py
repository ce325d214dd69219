"""What a go command does with its GOROOT: files touched, by class and time; cache hits and why.

strace    runs a command under strace and reads what it wrote    perf    the same with perf trace
goroot    the sums of that                                       lookups hits and misses of GOCACHE
why       Go's own account of its cache keys, compared
"""
