"""The four proofs as running code, and the oracle that mien's torch code is held against; NumPy only, float64.

Read `convolution`, `batchnorm`, `crossentropy` and `optimisers` for the proofs, `layers` and `network` for a whole
network by hand, `averaging` and `schedules` for the twins of what training uses. `claims` and `witnesses` check every
formula three ways; `page` writes the measured numbers into docs/theory.md, whose sections the functions name.
"""
