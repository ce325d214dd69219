"""Base images validated: what an image holds, against kernels and engines, before the fleet does.

matrix    the answer as plain values       inspect   what the image itself says
verdicts  findings and probes -> verdicts  policy    what a team demands
structure container-structure-test files   exports   JSON, JUnit, SARIF
"""
