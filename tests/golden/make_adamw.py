#!/usr/bin/env python3
"""Writes what torch.optim.AdamW makes of weights in float32, for adamw_test.cpp to compare with.

    pip install torch==2.15.0
    python3 tests/golden/make_adamw.py tests/golden/data

Each case is one safetensors file: beta_1, beta_2, epsilon, decay, rate as metadata, and in float32

    gradients [S, N]        the gradient of each step, of sizes from 1e-3 to 1e3
    w, m, v [S, N]          weights and both moments after each step; weights start at 0

Seeds are fixed.
"""
import pathlib
import sys

import torch
from golden_file import write

# Name: both betas.
CASES = {
    "adamw_ours": (0.9, 0.95),
    "adamw_torch": (0.9, 0.999),
    "adamw_slow": (0.99, 0.9999),
    "adamw_slowest": (0.99999, 0.99999),
}
EPSILON, DECAY, RATE, STEPS, WEIGHTS = 1e-8, 0.1, 1e-2, 12, 37


def run(betas):
    weight = torch.nn.Parameter(torch.zeros(1, WEIGHTS))
    optimizer = torch.optim.AdamW([weight], lr=RATE, betas=betas, eps=EPSILON, weight_decay=DECAY, foreach=False,
                                  fused=False)
    size = 10 ** torch.linspace(-3, 3, WEIGHTS)
    seen = {name: [] for name in ("gradients", "w", "m", "v")}
    for _ in range(STEPS):
        weight.grad = torch.randn(1, WEIGHTS) * size
        optimizer.step()
        state = optimizer.state[weight]
        for name, values in (("gradients", weight.grad), ("w", weight), ("m", state["exp_avg"]),
                             ("v", state["exp_avg_sq"])):
            seen[name].append(values.detach().clone())
    return {name: torch.cat(rows) for name, rows in seen.items()}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for seed, (name, betas) in enumerate(CASES.items()):
        torch.manual_seed(seed)
        write(folder / f"{name}.safetensors", run(betas),
              {"beta_1": betas[0], "beta_2": betas[1], "epsilon": EPSILON, "decay": DECAY, "rate": RATE,
               "torch": torch.__version__.split("+")[0]})


if __name__ == "__main__":
    main()
