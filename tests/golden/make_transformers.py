#!/usr/bin/env python3
"""Writes what Hugging Face transformers' MoE blocks compute, for transformers_test.cpp to compare with.

    pip install torch==2.15.0 transformers==5.23.0 safetensors==0.8.0
    python3 tests/golden/make_transformers.py tests/golden/data

Each case is one safetensors file: the configuration as metadata, the weights, an input, and what the block makes of it
in float32. Weights stand there in two layouts, under the names that follow `mlp.` or `block_sparse_moe.`: one tensor
for each expert and projection, as checkpoints have them and as transformers' own save_pretrained writes them, and
experts.gate_up_proj [E, 2F, D] and experts.down_proj [E, D, F], as transformers' modules hold them.

    x, y, d_y, d_x   [T, D], the sequences of a batch one behind the other
    logits, gates    [T, E]; a gate is what the expert's answer is multiplied with, 0 where it was not chosen
    aux_loss         [1], E sum_e f_e p_e where f sums to k, by which transformers does not divide; not of DeepSeek
    grad.NAME        d loss / d NAME in the fused layout, loss = <d_y, y> + aux_coefficient * aux_loss

Seeds are fixed. Inputs are drawn until no choice is close, so that no rounding can turn it.
"""
import pathlib
import sys
import tempfile

import safetensors.torch
import torch
import transformers
from golden_file import write
from transformers.models.deepseek_v2 import modeling_deepseek_v2
from transformers.models.deepseek_v3 import modeling_deepseek_v3
from transformers.models.mixtral import modeling_mixtral
from transformers.models.qwen2_moe import modeling_qwen2_moe

# What a model needs around its one MoE block. The block alone is run.
AROUND = {"num_hidden_layers": 1, "num_attention_heads": 1, "num_key_value_heads": 1, "vocab_size": 4}
AROUND_DEEPSEEK = {**AROUND, "first_k_dense_replace": 0, "q_lora_rank": 2, "kv_lora_rank": 2, "qk_rope_head_dim": 2,
                   "qk_nope_head_dim": 2, "v_head_dim": 2}
ARCHITECTURES = {
    "mixtral": (transformers.MixtralForCausalLM, modeling_mixtral, AROUND),
    "qwen2_moe": (transformers.Qwen2MoeForCausalLM, modeling_qwen2_moe, AROUND),
    "deepseek_v2": (transformers.DeepseekV2ForCausalLM, modeling_deepseek_v2, AROUND_DEEPSEEK),
    "deepseek_v3": (transformers.DeepseekV3ForCausalLM, modeling_deepseek_v3, AROUND_DEEPSEEK),
}


def mixtral(width, hidden, experts, chosen):
    return {"hidden_size": width, "intermediate_size": hidden, "num_local_experts": experts,
            "num_experts_per_tok": chosen, "router_jitter_noise": 0.0}


def qwen2_moe(width, hidden, shared_hidden, experts, chosen, norm_topk_prob=False):
    return {"hidden_size": width, "moe_intermediate_size": hidden, "shared_expert_intermediate_size": shared_hidden,
            "num_experts": experts, "num_experts_per_tok": chosen, "norm_topk_prob": norm_topk_prob}


def deepseek(width, hidden, shared, experts, chosen, scale, **others):
    return {"hidden_size": width, "moe_intermediate_size": hidden, "n_shared_experts": shared,
            "n_routed_experts": experts, "num_experts_per_tok": chosen, "routed_scaling_factor": scale, **others}


def deepseek_v2(*sizes, groups=(1, 1)):
    return deepseek(*sizes, n_group=groups[0], topk_group=groups[1], norm_topk_prob=False,
                    topk_method="greedy" if groups == (1, 1) else "group_limited_greedy")


def deepseek_v3(*sizes, groups=(1, 1), norm_topk_prob=True):
    return deepseek(*sizes, n_group=groups[0], topk_group=groups[1], norm_topk_prob=norm_topk_prob)


# Name: architecture, configuration, (sequences, rows of each), aux_coefficient, deviation of the logits.
CASES = {
    "mixtral_top_2": ("mixtral", mixtral(8, 5, 4, 2), (1, 7), 0.0, 1.0),
    "mixtral_balanced": ("mixtral", mixtral(13, 8, 7, 2), (3, 11), 0.5, 1.0),
    "mixtral_top_1": ("mixtral", mixtral(6, 9, 5, 1), (2, 8), 0.7, 1.0),
    "mixtral_all_chosen": ("mixtral", mixtral(17, 7, 4, 4), (1, 9), 0.3, 1.0),
    "mixtral_steep": ("mixtral", mixtral(24, 5, 6, 3), (1, 7), 0.01, 6.0),
    "qwen2_moe_top_4": ("qwen2_moe", qwen2_moe(10, 7, 13, 6, 4), (2, 9), 0.0, 1.0),
    "qwen2_moe_top_1": ("qwen2_moe", qwen2_moe(11, 6, 20, 9, 1), (1, 7), 0.5, 1.0),
    "qwen2_moe_balanced": ("qwen2_moe", qwen2_moe(17, 5, 6, 6, 3), (3, 7), 0.3, 2.0),
    "qwen2_moe_normalized": ("qwen2_moe", qwen2_moe(7, 6, 5, 5, 2, True), (1, 33), 0.3, 1.0),
    "deepseek_v2": ("deepseek_v2", deepseek_v2(9, 6, 2, 7, 3, 1.0), (2, 8), 0.0, 1.0),
    "deepseek_v2_scaled": ("deepseek_v2", deepseek_v2(13, 5, 1, 6, 2, 2.5), (1, 13), 0.0, 2.0),
    "deepseek_v2_groups": ("deepseek_v2", deepseek_v2(11, 6, 2, 8, 3, 1.5, groups=(4, 2)), (3, 7), 0.0, 1.0),
    "deepseek_v3": ("deepseek_v3", deepseek_v3(10, 7, 1, 7, 3, 2.5), (2, 8), 0.0, 1.0),
    "deepseek_v3_raw": ("deepseek_v3", deepseek_v3(7, 8, 2, 5, 2, 1.0, norm_topk_prob=False), (1, 17), 0.0, 1.0),
    "deepseek_v3_groups": ("deepseek_v3", deepseek_v3(12, 5, 1, 8, 3, 2.5, groups=(4, 2)), (3, 7), 0.0, 1.0),
    "deepseek_v3_wide_groups": ("deepseek_v3", deepseek_v3(9, 6, 2, 9, 4, 1.5, groups=(3, 2)), (1, 21), 0.0, 2.0),
}


def randomize(block, logit_deviation):
    """Keeps activations near 1: a weight's deviation is 1 over the root of what it sums over."""
    for name, weight in list(block.named_parameters()) + list(block.named_buffers()):
        deviation = 0.2 if weight.dim() == 1 else weight.shape[-1] ** -0.5
        with torch.no_grad():
            weight.copy_(torch.randn(weight.shape) * deviation * (logit_deviation if name == "gate.weight" else 1))


def choice(block, x):
    return block.gate(x.flatten(0, 1))[2].sort(dim=-1).values


def draw_clear_input(block, shape):
    """An input whose choices stay the same when each of its values moves by about a thousandth."""
    while True:
        x = torch.randn(shape)
        moved = (choice(block, x + 1e-3 * torch.randn(shape)) for _ in range(20))
        if all(torch.equal(choice(block, x), other) for other in moved):
            return x


def check_that_bias_and_groups_decide(block, x):
    """A fixture in which another router would choose the same shows nothing."""
    with torch.no_grad():
        chosen, gate = choice(block, x), block.gate
        if hasattr(gate, "e_score_correction_bias"):
            bias = gate.e_score_correction_bias.clone()
            gate.e_score_correction_bias.zero_()
            assert not torch.equal(choice(block, x), chosen)
            gate.e_score_correction_bias.copy_(bias)
        if getattr(gate, "num_group", 1) > 1:
            groups, gate.topk_group = gate.topk_group, gate.num_group
            assert not torch.equal(choice(block, x), chosen)
            gate.topk_group = groups


def checkpoint_of(model):
    """The block's tensors as save_pretrained names and splits them, without what precedes the block's own names."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        tensors = safetensors.torch.load_file(pathlib.Path(folder) / "model.safetensors")
    return {name.split(part)[1]: tensor for part in (".mlp.", ".block_sparse_moe.")
            for name, tensor in tensors.items() if part in name}


def run(architecture, configuration, batch, aux_coefficient, logit_deviation):
    model_type, modeling, around = ARCHITECTURES[architecture]
    # The other implementations ask for rows of a multiple of 16 bytes.
    model = model_type(model_type.config_class(**around, **configuration, experts_implementation="eager"))
    block = model.model.layers[0].mlp
    randomize(block, logit_deviation)
    x = draw_clear_input(block, (*batch, configuration["hidden_size"]))
    check_that_bias_and_groups_decide(block, x)
    x.requires_grad_()

    with torch.no_grad():
        assert torch.equal(block.eval()(x), block.train()(x))
    y = block(x)
    logits, gates, chosen = block.gate(x.flatten(0, 1))
    d_y = torch.randn(y.shape)
    loss = (d_y * y).sum()
    results = {"x": x, "y": y, "logits": logits, "d_y": d_y,
               "gates": torch.zeros_like(logits).scatter(1, chosen, gates)}
    if hasattr(modeling, "load_balancing_loss_func"):
        aux_loss = modeling.load_balancing_loss_func((logits,), logits.shape[1], chosen.shape[1])
        loss = loss + aux_coefficient * aux_loss
        results["aux_loss"] = aux_loss.reshape(1)
    loss.backward()
    results["d_x"] = x.grad

    for name in ("x", "y", "d_y", "d_x"):
        results[name] = results[name].flatten(0, 1)
    for name, weight in block.named_parameters():
        results["grad." + name] = weight.grad
    return {**checkpoint_of(model), **block.state_dict(), **results}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    for seed, (name, (architecture, configuration, batch, aux_coefficient, deviation)) in enumerate(CASES.items()):
        torch.manual_seed(seed)
        tensors = run(architecture, configuration, batch, aux_coefficient, deviation)
        write(folder / f"{name}.safetensors", tensors,
              {"architecture": architecture, **configuration, "sequences": batch[0], "rows_per_sequence": batch[1],
               "aux_coefficient": aux_coefficient, "torch": torch.__version__,
               "transformers": transformers.__version__})


if __name__ == "__main__":
    main()
