#!/usr/bin/env python3
"""Loads what the program exports into Hugging Face transformers and compares logits.

    pip install torch==2.15.0 transformers==5.24.0 safetensors==0.8.0
    python3 tests/golden/check_exports.py build/release/bin/multipl_moe tests/golden/checkpoints

Every model of make_checkpoints.py is exported in float32, in small files, and must give the logits it had before it
passed through the program; in bfloat16 its weights must be those that torch rounds to. A dense model with a token for
each byte is also upcycled to mixtral and to gshard, which answer as it does before they train, and exported: transformers
has no Mixtral with biases, so these become Qwen2-MoE models with norm_topk_prob and a shared expert of width 0. Prints the
largest difference of each and fails where one is above 1e-4 or a tensor is missing or unknown.
"""
import pathlib
import subprocess
import sys
import tempfile

import safetensors.torch
import torch
import transformers
from make_checkpoints import build, sizes

BAR = 1e-4


def run(program, *arguments):
    subprocess.run([program, *map(str, arguments)], check=True, stderr=subprocess.DEVNULL)


def load(folder, dtype=torch.float32):
    model, report = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, output_loading_info=True, experts_implementation="eager", attn_implementation="eager")
    for fault in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not report[fault], (folder, fault, report[fault])
    return model.eval()


def difference(folder, expected):
    with torch.no_grad():
        logits = load(folder)(expected["tokens"].long(), use_cache=False).logits
    same = torch.equal(logits.argmax(-1), expected["logits"].argmax(-1))
    return (logits - expected["logits"]).abs().max().item() if same else float("inf")


def dense_model_of_bytes(folder):
    """Saves a Qwen2 that upcycle takes without a tokenizer, and gives what it answers."""
    torch.manual_seed(0)
    model = build(transformers.Qwen2ForCausalLM, sizes(257, 32, 24, 2, 4, 2, 10000.0, 1e-6), torch.float32)
    model.save_pretrained(folder)
    tokens = torch.randint(257, (2, 13))
    with torch.no_grad():
        return {"tokens": tokens, "logits": model(tokens, use_cache=False).logits}


def rounds_as_torch(whole, rounded):
    theirs = load(whole).state_dict()
    return all(torch.equal(tensor, theirs[name].to(torch.bfloat16))
               for name, tensor in load(rounded, torch.bfloat16).state_dict().items())


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    worst = 0.0
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        dense = dense_model_of_bytes(scratch / "dense")
        exports = [(case.name, case, safetensors.torch.load_file(case / "expected.safetensors"))
                   for case in sorted(folder.iterdir())]
        for architecture in ("mixtral", "gshard"):
            run(program, "upcycle", "--model", scratch / "dense", "--arch", architecture, "-o", scratch / architecture)
            exports.append(("a Qwen2, upcycled to " + architecture, scratch / architecture, dense))
        for number, (name, model, expected) in enumerate(exports):
            whole, rounded = scratch / f"whole{number}", scratch / f"rounded{number}"
            run(program, "export", "--model", model, "-o", whole, "--max-shard-size", "40000")
            run(program, "export", "--model", model, "-o", rounded, "--dtype", "bfloat16")
            error = difference(whole, expected)
            assert rounds_as_torch(whole, rounded), name
            print(f"{name:32} {type(load(whole)).__name__:20} {error:.2e}")
            worst = max(worst, error)
    print(f"worst {worst:.2e}")
    sys.exit(worst > BAR)


if __name__ == "__main__":
    main()
