"""One build watched from outside: what it used, and what the machine did to it meanwhile.

meter    the readings around a build    machine    one reading of the machine
fitness  whether a build's times are fit to compare
"""
