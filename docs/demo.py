"""Uses the kernels that `make demo` has just emitted: a file that needs NumPy and Numba alone."""

from __future__ import annotations

import sys
from math import erf, sqrt
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path.cwd()))
import gelu_kernels

variance = np.array([0.01, 0.1, 1.0, 10.0, 100.0])
normal = np.random.default_rng(0).standard_normal(200_000)
cdf = np.vectorize(lambda h: (1 + erf(h / sqrt(2))) / 2)

exact = gelu_kernels.second_moment(variance)
weight = 1 / np.sqrt(gelu_kernels.mu_1(variance))

print("\nGELU: the kernel against 200,000 random numbers, and the critical line")
print(f"{'q':>8} {'E[φ²]':>15} {'sampled':>15} {'σ_w, χ = 1':>12} {'σ_b':>8}")
for q, value, sigma_w in zip(variance, exact, weight, strict=True):
    h = sqrt(q) * normal
    sampled = np.mean((h * cdf(h)) ** 2)
    bias = q - sigma_w**2 * value
    sigma_b = f"{sqrt(bias):8.4f}" if bias >= 0 else "    none"
    print(f"{q:8g} {value:15.9f} {sampled:15.9f} {sigma_w:12.6f} {sigma_b}")
