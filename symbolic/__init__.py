"""Exact mathematics of random deep networks: SymPy in, SymPy out.

The stages, in the order of the derivation: text is parsed, an activation is split into smooth
pieces, Gaussian expectations are taken in closed form, the mean field and the law of the squared
derivative follow, and free probability turns them into the law of the Jacobian.
"""
