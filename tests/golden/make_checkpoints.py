#!/usr/bin/env python3
"""Writes small models as Hugging Face transformers saves them, and what it computes with them, for parity_test.cpp.

    pip install torch==2.15.0 transformers==5.24.0 safetensors==0.8.0
    python3 tests/golden/make_checkpoints.py tests/golden/checkpoints [CASE...]

Each case is a folder: config.json and safetensors files as a user would have them, in one file or several, with a tensor
for each expert's projection (what save_pretrained writes) or one for all of a layer's experts (what transformers' modules
hold), and expected.safetensors, all in float32:

    tokens, targets  [B, T]
    logits           [B, T, V]
    losses           [10], the mean of -log p(target) before each of ten steps of AdamW on the same batch, by LEARNING
    grad.NAME        the first loss's gradient, under the names of save_pretrained; Mixtral's under those of Qwen2-MoE
    decoded          [T, V], the logits of the first sequence as a cache gives them, token by token

Those without `decoded` were made with transformers 5.23.0. Only where a rotation stretches with the text, `decoded` is another
computation than `logits`: what was cached keeps the rotation of the text as long as it was.

No loss beside the main one. The model with tied embeddings trains tied: its one gradient is that of both uses. Models whose
routers come close to another choice in any of the ten steps are drawn anew, so that no rounding can turn one.
"""
import copy
import pathlib
import shutil
import sys

import safetensors.torch
import torch
import transformers
from golden_file import write

LEARNING = {"lr": 2e-3, "betas": (0.9, 0.95), "eps": 1e-8, "decay": 0.1}
STEPS = 10
CLEAR = 2e-3


def sizes(vocabulary, width, hidden, layers, heads, kv_heads, theta, eps, **others):
    return {"vocab_size": vocabulary, "hidden_size": width, "intermediate_size": hidden, "num_hidden_layers": layers,
            "num_attention_heads": heads, "num_key_value_heads": kv_heads, "rope_theta": theta, "rms_norm_eps": eps,
            **{"max_position_embeddings": 64, "tie_word_embeddings": False, **others}}


def qwen2_moe(experts, chosen, hidden, shared_hidden, **others):
    return {"num_experts": experts, "num_experts_per_tok": chosen, "moe_intermediate_size": hidden,
            "shared_expert_intermediate_size": shared_hidden, "norm_topk_prob": False, **others}


# Name: model class, configuration, (sequences, tokens of each), how it is stored.
CASES = {
    "qwen2": (transformers.Qwen2ForCausalLM, sizes(97, 48, 40, 2, 6, 2, 10000.0, 1e-6), (2, 13), {}),
    "qwen2_tied_bfloat16": (transformers.Qwen2ForCausalLM,
                            sizes(67, 32, 20, 3, 4, 4, 1e6, 1e-6, tie_word_embeddings=True), (3, 9),
                            {"dtype": torch.bfloat16}),
    "qwen2_moe_sharded": (transformers.Qwen2MoeForCausalLM,
                          sizes(97, 24, 36, 2, 6, 3, 1e6, 1e-6, **qwen2_moe(5, 2, 12, 20)), (2, 11),
                          {"max_shard_size": "30KB"}),
    "qwen2_moe_fused": (transformers.Qwen2MoeForCausalLM,
                        sizes(53, 32, 20, 2, 4, 2, 10000.0, 1e-5, **qwen2_moe(4, 3, 10, 12, qkv_bias=False)), (1, 15),
                        {"fused": True}),
    "mixtral": (transformers.MixtralForCausalLM,
                sizes(83, 40, 14, 2, 4, 2, 1e6, 1e-5, num_local_experts=4, num_experts_per_tok=2), (2, 9), {}),
    "mixtral_fused": (transformers.MixtralForCausalLM,
                      sizes(41, 24, 12, 2, 6, 3, 10000.0, 1e-5, num_local_experts=3, num_experts_per_tok=2), (3, 7),
                      {"fused": True, "dtype": torch.float16}),
    "qwen2_moe_normalized": (transformers.Qwen2MoeForCausalLM,
                             sizes(47, 24, 28, 2, 4, 2, 10000.0, 1e-6, **qwen2_moe(5, 3, 10, 14, norm_topk_prob=True)),
                             (2, 9), {}),
    "qwen2_windows_yarn": (transformers.Qwen2ForCausalLM,
                           sizes(61, 32, 24, 3, 4, 2, 50.0, 1e-6, head_dim=12, use_sliding_window=True,
                                 sliding_window=5, max_window_layers=1,
                                 rope={"rope_type": "yarn", "factor": 2.5, "original_max_position_embeddings": 16,
                                       "beta_fast": 4, "beta_slow": 0.5}), (2, 17), {}),
    "qwen2_dynamic": (transformers.Qwen2ForCausalLM,
                      sizes(43, 24, 20, 2, 2, 1, 10000.0, 1e-6, max_position_embeddings=10,
                            rope={"rope_type": "dynamic", "factor": 3.0}), (2, 17), {}),
    "mixtral_window_linear": (transformers.MixtralForCausalLM,
                              sizes(53, 24, 12, 2, 3, 1, 1e6, 1e-5, head_dim=6, sliding_window=4, num_local_experts=3,
                                    num_experts_per_tok=2, rope={"rope_type": "linear", "factor": 2.5}), (2, 11), {}),
    "qwen2_moe_windows_llama3": (transformers.Qwen2MoeForCausalLM,
                                 sizes(47, 24, 28, 3, 4, 2, 10000.0, 1e-6, use_sliding_window=True, sliding_window=3,
                                       max_window_layers=2, **qwen2_moe(4, 2, 10, 14),
                                       rope={"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                                             "high_freq_factor": 4.0, "original_max_position_embeddings": 16}),
                                 (2, 13), {"fused": True}),
    "qwen2_moe_dense_layers": (transformers.Qwen2MoeForCausalLM,
                               sizes(43, 24, 20, 4, 4, 2, 10000.0, 1e-6, decoder_sparse_step=2, mlp_only_layers=[3],
                                     **qwen2_moe(4, 2, 10, 0)), (2, 9), {}),
    "qwen3": (transformers.Qwen3ForCausalLM, sizes(59, 32, 24, 2, 4, 2, 1e6, 1e-6, head_dim=12), (2, 11), {}),
    "qwen3_windows_tied": (transformers.Qwen3ForCausalLM,
                           sizes(41, 24, 20, 2, 2, 1, 50.0, 1e-6, head_dim=8, tie_word_embeddings=True,
                                 use_sliding_window=True, sliding_window=3, max_window_layers=1), (2, 9),
                           {"dtype": torch.bfloat16}),
    "qwen3_moe": (transformers.Qwen3MoeForCausalLM,
                  sizes(47, 24, 28, 3, 4, 2, 1e6, 1e-6, head_dim=8, num_experts=5, num_experts_per_tok=2,
                        moe_intermediate_size=10, norm_topk_prob=True, mlp_only_layers=[1]), (2, 9), {}),
    "qwen3_moe_raw": (transformers.Qwen3MoeForCausalLM,
                      sizes(37, 24, 20, 2, 2, 1, 10000.0, 1e-5, head_dim=8, num_experts=4, num_experts_per_tok=3,
                            moe_intermediate_size=10, norm_topk_prob=False, use_sliding_window=True, sliding_window=4),
                      (2, 9), {"fused": True}),
    "mixtral_gelu": (transformers.MixtralForCausalLM,
                     sizes(43, 24, 12, 2, 2, 1, 1e6, 1e-5, hidden_act="gelu", num_local_experts=3,
                           num_experts_per_tok=2), (2, 9), {}),
    "qwen2_moe_gelu_tanh": (transformers.Qwen2MoeForCausalLM,
                            sizes(43, 24, 20, 2, 2, 1, 10000.0, 1e-6, hidden_act="gelu_pytorch_tanh",
                                  **qwen2_moe(4, 2, 10, 14, mlp_only_layers=[0])), (2, 9), {}),
}


def build(model_class, configuration, dtype):
    """Weights of a size at which every part matters, in values that the stored dtype has."""
    settings = dict(configuration)
    settings["rope_parameters"] = {"rope_type": "default", "rope_theta": settings.pop("rope_theta"),
                                   **settings.pop("rope", {})}
    config = model_class.config_class(**settings, experts_implementation="eager", attn_implementation="eager")
    model = model_class(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            deviation = 0.3 if weight.dim() == 1 else 1.5 * max(weight.shape[-1], 1) ** -0.5
            values = torch.randn(weight.shape) * (1.0 if "embed" in name else deviation)
            values = values + 1 if "norm" in name else values
            weight.copy_(values.to(dtype).float())
    return model.eval()


def margins_of(model):
    """A list to which every forward pass adds the distance of each router's last choice from the next best."""
    margins = []

    def hook(_, __, output):
        ordered = output[0].detach().sort(dim=-1, descending=True).values
        chosen = output[2].shape[-1]
        if chosen < ordered.shape[-1]:
            margins.append((ordered[:, chosen - 1] - ordered[:, chosen]).min().item())

    for layer in model.model.layers:
        if hasattr(layer.mlp, "gate"):
            layer.mlp.gate.register_forward_hook(hook)
    return margins


def checkpoint_names(name, gradient):
    """The weights of save_pretrained that one of the module's is."""
    if name.endswith("experts.gate_up_proj"):
        for e, (gate, up) in enumerate(half.chunk(2) for half in gradient):
            yield name.replace("gate_up_proj", f"{e}.gate_proj.weight"), gate
            yield name.replace("gate_up_proj", f"{e}.up_proj.weight"), up
    elif name.endswith("experts.down_proj"):
        for e, down in enumerate(gradient):
            yield name.replace("down_proj", f"{e}.down_proj.weight"), down
    else:
        yield name, gradient


def decode(model, tokens):
    """The logits after each token of a text that is read one by one."""
    cache = transformers.DynamicCache(config=model.config)
    rows = []
    for token in tokens:
        rows.append(model(token.view(1, 1), past_key_values=cache, use_cache=True).logits[0, 0])
    return torch.stack(rows)


def train(model, tokens, targets):
    matrices = [weight for weight in model.parameters() if weight.dim() > 1]
    vectors = [weight for weight in model.parameters() if weight.dim() == 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": LEARNING["decay"]},
                                   {"params": vectors, "weight_decay": 0.0}],
                                  lr=LEARNING["lr"], betas=LEARNING["betas"], eps=LEARNING["eps"])
    losses, gradients = [], {}
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(tokens, use_cache=False).logits.flatten(0, 1), targets.flatten())
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            for name, weight in model.named_parameters():
                if "shared_expert" in name and model.config.shared_expert_intermediate_size == 0:
                    continue  # it adds nothing
                gradients.update({"grad." + ours: part.clone() for ours, part in checkpoint_names(name, weight.grad)})
        optimizer.step()
    return losses, gradients


def save(model, folder, dtype, storage):
    # A copy: the frequencies of the rotation are rounded too, which a load does not do.
    stored = copy.deepcopy(model).to(dtype)
    if storage.get("fused"):
        stored.config.dtype = dtype
        stored.config.architectures = [type(model).__name__]
        stored.config.save_pretrained(folder)
        safetensors.torch.save_file(stored.state_dict(), folder / "model.safetensors", {"format": "pt"})
    else:
        stored.save_pretrained(folder, max_shard_size=storage.get("max_shard_size", "5GB"))


def make(folder, model_class, configuration, batch, storage, seed):
    """False where a choice is too close."""
    torch.manual_seed(seed)
    dtype = storage.get("dtype", torch.float32)
    model = build(model_class, configuration, dtype)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    save(model, folder, dtype, storage)
    tokens, targets = (torch.randint(configuration["vocab_size"], batch) for _ in range(2))
    margins = margins_of(model)
    with torch.no_grad():
        logits = model(tokens, use_cache=False).logits
        decoded = decode(copy.deepcopy(model), tokens[0])
    losses, gradients = train(model, tokens, targets)
    write(folder / "expected.safetensors",
          {"tokens": tokens.float(), "targets": targets.float(), "logits": logits, "decoded": decoded,
           "losses": torch.tensor(losses), **gradients},
          {**LEARNING, "torch": torch.__version__, "transformers": transformers.__version__})
    return min(margins, default=1.0) > CLEAR


def main():
    if len(sys.argv) < 2 or not set(sys.argv[2:]) <= set(CASES):
        sys.exit(__doc__)
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    for number, (name, (model_class, configuration, batch, storage)) in enumerate(CASES.items()):
        if sys.argv[2:] and name not in sys.argv[2:]:
            continue
        seeds = range(100 * number, 100 * number + 100)
        folder = pathlib.Path(sys.argv[1]) / name
        seed = next(seed for seed in seeds if make(folder, model_class, configuration, batch, storage, seed))
        print(f"{name}: seed {seed}, {sum(file.stat().st_size for file in folder.iterdir())} bytes")


if __name__ == "__main__":
    main()
