#!/usr/bin/env python3
"""Writes small models of many configurations, as make_checkpoints.py writes its cases, for the same tests:

    pip install torch==2.15.0 transformers==5.24.0 safetensors==0.8.0
    python3 tests/golden/make_matrix.py /tmp/matrix 150
    MOE_PARITY_CASES=/tmp/matrix build/release/bin/program_tests "[parity]"

Case N is drawn by the seed N: a family, a rotation, windows, heads, layers with a dense FFN, gates, an activation, tied
or untied heads, and how it is stored. matrix.csv beside the folder says what was drawn.
"""
import csv
import pathlib
import random
import sys

import torch
import transformers
from make_checkpoints import make, qwen2_moe, sizes

FAMILIES = {
    "qwen2": transformers.Qwen2ForCausalLM,
    "qwen2_moe": transformers.Qwen2MoeForCausalLM,
    "mixtral": transformers.MixtralForCausalLM,
    "qwen3": transformers.Qwen3ForCausalLM,
    "qwen3_moe": transformers.Qwen3MoeForCausalLM,
}
ROTATIONS = {
    "default": {},
    "linear": {"rope_type": "linear", "factor": 2.5},
    "dynamic": {"rope_type": "dynamic", "factor": 3.0},
    "yarn": {"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 32},
    "yarn, a ramp of its own": {"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 8,
                                "beta_fast": 2, "beta_slow": 0.25, "mscale": 1.5, "mscale_all_dim": 0.5,
                                "truncate": False},
    "llama3": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
               "original_max_position_embeddings": 16},
}
STORED = {"float32": {}, "bfloat16": {"dtype": torch.bfloat16}, "float16": {"dtype": torch.float16},
          "shards": {"max_shard_size": "20KB"}}


def draw(rng):
    """A configuration and what is said of it in the table."""
    family = rng.choice(list(FAMILIES))
    layers = rng.choice([1, 2, 3])
    kv_heads = rng.choice([1, 2])
    heads = kv_heads * rng.choice([1, 2, 3])
    head_dim = rng.choice([4, 6, 8])
    width = rng.choice([heads * head_dim, 16, 24])
    fields = {}
    # Mixtral's class has no width of heads that it would compute a stretched rotation by.
    if width != heads * head_dim or family in ("qwen3", "qwen3_moe", "mixtral"):
        fields["head_dim"] = head_dim
    rotation = rng.choice(list(ROTATIONS))
    fields["rope"] = ROTATIONS[rotation]
    fields["max_position_embeddings"] = 6 if rotation == "dynamic" else 64
    fields["tie_word_embeddings"] = rng.random() < 0.3
    fields["hidden_act"] = rng.choice(["silu", "silu", "gelu", "gelu_pytorch_tanh"])
    windows = rng.random() < 0.5
    if family == "mixtral":
        fields["sliding_window"] = rng.choice([2, 4, 7]) if windows else None
    elif windows:
        fields |= {"use_sliding_window": True, "sliding_window": rng.choice([2, 4, 7])}
        if family != "qwen3_moe":
            fields["max_window_layers"] = rng.randrange(layers + 1)
    if family == "mixtral":
        fields |= {"num_local_experts": rng.choice([2, 3, 5]), "num_experts_per_tok": 2}
    if family.endswith("_moe"):
        experts = rng.choice([3, 4, 6])
        shared = rng.choice([0, 10]) if family == "qwen2_moe" else 0
        # One expert by weights that sum to 1 leaves a router without a gradient but rounding.
        is_normalized = rng.random() < 0.5
        moe = qwen2_moe(experts, rng.choice([2, 3] if is_normalized else [1, 2, 3]), 8, shared)
        moe["norm_topk_prob"] = is_normalized
        if family == "qwen3_moe":
            del moe["shared_expert_intermediate_size"]
        else:
            moe["qkv_bias"] = rng.random() < 0.5
        if layers > 1:
            moe["decoder_sparse_step"] = rng.choice([1, 2])
            moe["mlp_only_layers"] = rng.choice([[], [0]])
        fields |= moe
    stored = rng.choice(list(STORED))
    storage = dict(STORED[stored])
    if family not in ("qwen2", "qwen3") and "max_shard_size" not in storage and rng.random() < 0.4:
        storage["fused"] = not fields["tie_word_embeddings"]
    # A base at which no channel of a short text stands still: such a channel's bias has no gradient but rounding.
    configuration = sizes(29, width, 12, layers, heads, kv_heads, 30.0, rng.choice([1e-5, 1e-6]), **fields)
    said = {"family": family, "layers": layers, "heads": heads, "kv_heads": kv_heads, "width": width,
            "rotation": rotation, "stored": stored + (", fused" if storage.get("fused") else "")}
    said |= {name: value for name, value in fields.items() if name not in ("rope", "max_position_embeddings")}
    return FAMILIES[family], configuration, storage, said


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    rows = []
    for number in range(count):
        model_class, configuration, storage, said = draw(random.Random(number))
        batch = (2, 11)
        seeds = range(1000 * number, 1000 * number + 200)
        name = f"{number:03}_{said['family']}"
        next(seed for seed in seeds if make(folder / name, model_class, dict(configuration), batch, storage, seed))
        rows.append({"case": name, **said})
    names = list(dict.fromkeys(name for row in rows for name in row))
    with open(folder.with_suffix(".csv"), "w", newline="") as table:
        writer = csv.DictWriter(table, names)
        writer.writeheader()
        writer.writerows(rows)
    print(f"{count} models in {folder}")


if __name__ == "__main__":
    main()
