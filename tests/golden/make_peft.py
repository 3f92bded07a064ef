#!/usr/bin/env python3
"""Writes what a Linear with a LoRA adapter of Hugging Face peft computes, for peft_test.cpp to compare with.

    pip install torch==2.15.0 peft==0.21.2
    python3 tests/golden/make_peft.py tests/golden/data

Each case is one safetensors file: the configuration and peft's scale as metadata, and in float32

    weight [O, I], bias [O]                     the Linear, which stays as it is
    lora_A.weight [r, I], lora_B.weight [O, r]  the adapter, under the names that peft's checkpoints have
    x, d_x [T, I], y, d_y [T, O]                rows, the answer, and loss = <d_y, y>
    grad.lora_A.weight, grad.lora_B.weight      d loss / d of them
    merged.weight, merged.y                     the Linear that holds the adapter too, and its answer

Seeds are fixed. peft starts B at 0, which would leave A without a gradient, so both are drawn.
"""
import pathlib
import sys

import peft
import torch
from golden_file import write

# Name: in, out, rows, whether there is a bias, rank, alpha, whether the scale is alpha / sqrt(rank).
CASES = {
    "peft_lora": (24, 17, 11, True, 8, 16, False),
    "peft_rslora": (13, 29, 19, False, 8, 16, True),
    "peft_rank_above_width": (5, 7, 3, True, 8, 12, False),
}


class OneLinear(torch.nn.Module):
    def __init__(self, *sizes, bias):
        super().__init__()
        self.proj = torch.nn.Linear(*sizes, bias=bias)

    def forward(self, x):
        return self.proj(x)


def run(inner, outer, rows, bias, rank, alpha, use_rslora):
    model = peft.get_peft_model(
        OneLinear(inner, outer, bias=bias),
        peft.LoraConfig(r=rank, lora_alpha=alpha, target_modules=["proj"], use_rslora=use_rslora))
    layer = model.base_model.model.proj
    for weight in layer.parameters():
        with torch.no_grad():
            weight.copy_(torch.randn(weight.shape) * (0.2 if weight.dim() == 1 else weight.shape[-1] ** -0.5))
    x = torch.randn(rows, inner, requires_grad=True)
    y = model(x)
    d_y = torch.randn(y.shape)
    (d_y * y).sum().backward()
    lora_a, lora_b = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    assert layer.base_layer.weight.grad is None
    results = {"x": x, "y": y, "d_y": d_y, "d_x": x.grad, "weight": layer.base_layer.weight.detach().clone(),
               "lora_A.weight": lora_a, "lora_B.weight": lora_b, "grad.lora_A.weight": lora_a.grad,
               "grad.lora_B.weight": lora_b.grad}
    if bias:
        results["bias"] = layer.base_layer.bias
    with torch.no_grad():
        layer.merge()
        results["merged.weight"] = layer.base_layer.weight
        results["merged.y"] = model(x)
    return results, layer.scaling["default"]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for seed, (name, case) in enumerate(CASES.items()):
        torch.manual_seed(seed)
        tensors, scale = run(*case)
        write(folder / f"{name}.safetensors", tensors,
              {"rank": case[4], "alpha": case[5], "use_rslora": case[6], "scale": scale, "torch": torch.__version__,
               "peft": peft.__version__})


if __name__ == "__main__":
    main()
