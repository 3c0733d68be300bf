"""Generated kernels: one module a subject, importing NumPy and Numba alone."""
