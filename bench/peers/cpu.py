#!/usr/bin/env python3
"""Times a Mixtral layer of moelayers and the same layer in PyTorch or ggml, and prints the ratios.

    python3 bench/peers/cpu.py --bench build/release/bin/moe_bench --shape mid paper --rounds 7
    python3 bench/peers/cpu.py --peer ggml --ggml build/ggml_layer --dtype bfloat16

PyTorch runs in one of several forms (--form). `loop` is the block of Hugging Face transformers up to version 4: a loop
over experts that gathers each one's rows, runs its three linears and adds the weighted outputs. `eager`, `batched_mm`
and `grouped_mm` are the implementations of the experts in the block of transformers 5, and `compiled` is its grouped_mm
under torch.compile. ggml runs llama.cpp's graph of the layer (ggml_layer.cpp in this
folder describes how to build it). Rounds alternate between the two, with the same number of threads. A ratio is the
median over rounds of (time of moelayers / time of the peer in the same round), so that disturbances of the machine
affect both. This script requires the peer; the library, its tests and its benchmark do not.
"""
import argparse
import json
import statistics
import subprocess
import sys
import time

try:
    import torch
    from torch.nn.functional import linear, one_hot, silu, softmax
except ImportError:
    torch = None

SHAPES = {"mid": (1024, 512, 1376, 8, 2), "paper": (512, 2048, 5504, 6, 2), "qwen1.5-moe": (512, 2048, 1408, 60, 4)}


class MixtralBlock:
    """y = sum over the k experts with the highest logits of softmax(their logits) * SwiGLU_e(x)."""

    def __init__(self, width, hidden, experts, chosen, dtype):
        def weight(rows, cols):
            return torch.empty(rows, cols, dtype=dtype).uniform_(-0.05, 0.05).requires_grad_()

        self.chosen = chosen
        self.router = weight(experts, width)
        self.experts = [(weight(hidden, width), weight(hidden, width), weight(width, hidden)) for _ in range(experts)]

    def __call__(self, x):
        probabilities = softmax(linear(x, self.router), dim=-1, dtype=torch.float)
        gates, who = torch.topk(probabilities, self.chosen, dim=-1)
        gates = (gates / gates.sum(dim=-1, keepdim=True)).to(x.dtype)
        y = torch.zeros_like(x)
        mask = one_hot(who, len(self.experts)).permute(2, 1, 0)
        for e in mask.sum(dim=(1, 2)).nonzero().flatten().tolist():
            gate, up, down = self.experts[e]
            place, rows = torch.where(mask[e])
            mine = x[rows]
            answer = linear(silu(linear(mine, gate)) * linear(mine, up), down)
            y.index_add_(0, rows, answer * gates[rows, place, None])
        return y


def transformers_block(width, hidden, experts, chosen, dtype, form):
    """The Mixtral block of transformers 5 with one of its implementations of the experts."""
    from transformers import MixtralConfig
    from transformers.models.mixtral.modeling_mixtral import MixtralSparseMoeBlock

    config = MixtralConfig(hidden_size=width, intermediate_size=hidden, num_local_experts=experts,
                           num_experts_per_tok=chosen)
    config._experts_implementation = "grouped_mm" if form == "compiled" else form
    block = MixtralSparseMoeBlock(config).to(dtype)
    for weight in block.parameters():
        torch.nn.init.uniform_(weight, -0.05, 0.05)

    def run(x):
        y = block(x[None])
        return (y[0] if isinstance(y, tuple) else y)[0]

    return torch.compile(run) if form == "compiled" else run


class PyTorch:
    """The passes of one shape, which `ms` measures one at a time."""

    def __init__(self, arguments, shape):
        rows, width, hidden, experts, chosen = SHAPES[shape]
        dtype = getattr(torch, arguments.dtype)
        self.seconds = arguments.seconds
        make = MixtralBlock if arguments.form == "loop" else transformers_block
        block = make(width, hidden, experts, chosen, dtype, *([] if arguments.form == "loop" else [arguments.form]))
        x = torch.empty(rows, width, dtype=dtype).uniform_(-1, 1)
        d_y = torch.empty_like(x).uniform_(-1, 1)
        step = [0]

        def infer(rows_of_step):
            with torch.no_grad():
                block(rows_of_step())

        def next_rows(count):
            begin = step[0] % (rows // count) * count
            step[0] += 1
            return x[begin:begin + count]

        self.passes = {
            "forward": lambda: block(x.detach().requires_grad_()),
            "forward_backward": lambda: block(x.detach().requires_grad_()).backward(d_y),
            "infer": lambda: infer(lambda: x),
            "decode_1": lambda: infer(lambda: next_rows(1)),
            "decode_8": lambda: infer(lambda: next_rows(8)),
        }
        for run in self.passes.values():
            run()

    @staticmethod
    def begin(arguments):
        if torch is None:
            sys.exit("cpu.py: PyTorch is not installed")
        torch.set_num_threads(arguments.threads)
        torch.manual_seed(1)
        return f"PyTorch {torch.__version__}, {arguments.form}"

    def ms(self, name):
        """The median time of one call in ms, over as many calls as fill the given time, at least 3."""
        times, end = [], time.perf_counter() + self.seconds
        while len(times) < 3 or time.perf_counter() < end:
            begin = time.perf_counter()
            self.passes[name]()
            times.append(1e3 * (time.perf_counter() - begin))
        return statistics.median(times)


class Ggml:
    """The same for ggml, which has no backward pass of this layer."""

    def __init__(self, arguments, shape):
        self.sizes = SHAPES[shape]
        self.program = arguments.ggml
        self.options = [{"float32": "f32", "bfloat16": "bf16"}[arguments.dtype], arguments.threads, arguments.seconds]
        self.passes = {"infer": self.sizes[0], "decode_1": 1, "decode_8": 8}

    @staticmethod
    def begin(arguments):
        return f"ggml ({arguments.ggml})"

    def ms(self, name):
        command = [self.program, *self.sizes, *self.options, self.passes[name]]
        return float(subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE).stdout)


def ours_ms(arguments, shape, name):
    layer = "token_moe_bf16" if arguments.ours == "bfloat16" else "token_moe"
    pattern = f"layer/{layer}/{shape}/{name}"
    command = [arguments.bench, "layers", "--shape", shape, "--filter", pattern, "--format", "jsonl",
               "--repetitions", "3", "--min-time", str(arguments.seconds / 3), "--threads", str(arguments.threads)]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.splitlines()
    results = [line for line in map(json.loads, lines) if line.get("name") == pattern]
    if len(results) != 1:
        sys.exit(f"cpu.py: {arguments.bench} has no measurement named {pattern}")
    return results[0]["median_ms"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", default="build/release/bin/moe_bench", help="moe_bench (default: %(default)s)")
    parser.add_argument("--shape", nargs="+", default=["mid", "paper"], choices=sorted(SHAPES),
                        help="shapes to measure (default: mid paper)")
    parser.add_argument("--rounds", type=int, default=7, help="number of rounds, 5 or more (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2,
                        help="threads of moe_bench and of the peer (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=1.5,
                        help="seconds for one pass in a round (default: %(default)s)")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"],
                        help="dtype of the peer's weights (default: %(default)s)")
    parser.add_argument("--ours", default="float32", choices=["float32", "bfloat16"],
                        help="dtype of the layer of moelayers (default: %(default)s)")
    parser.add_argument("--peer", default="pytorch", choices=["pytorch", "ggml"],
                        help="the peer to compare with (default: %(default)s)")
    parser.add_argument("--form", default="loop", choices=["loop", "eager", "batched_mm", "grouped_mm", "compiled"],
                        help="form of the layer in PyTorch (default: %(default)s)")
    parser.add_argument("--ggml", default="build/ggml_layer",
                        help="the program built from ggml_layer.cpp (default: %(default)s)")
    parser.add_argument("--passes", nargs="+", default=[], metavar="PASS",
                        help="passes of moe_bench, such as decode_1_packed_bf16 (default: all that the peer has)")
    arguments = parser.parse_args()
    if arguments.rounds < 5:
        parser.error(f"--rounds must be 5 or more, found {arguments.rounds}")
    peer_type = {"pytorch": PyTorch, "ggml": Ggml}[arguments.peer]
    title = peer_type.begin(arguments)
    print(f"{title} ({arguments.dtype}), {arguments.threads} threads, {arguments.rounds} rounds")
    print(f"{'pass':32}{'ours ms':>10}{'peer ms':>12}{'ratio':>8}{'quartiles':>16}")
    for shape in arguments.shape:
        theirs = peer_type(arguments, shape)
        compared = [(name, name) for name in theirs.passes]
        if arguments.ours == "float32":
            compared += [(name + how, name) for how in ("_packed", "_packed_bf16")
                         for name in ("infer", "decode_1", "decode_8")]
        compared = [pair for pair in compared if not arguments.passes or pair[0] in arguments.passes]
        if not compared:
            sys.exit(f"cpu.py: {arguments.peer} has none of the passes {' '.join(arguments.passes)}")
        measured = {name: ([], []) for name, _ in compared}
        for _ in range(arguments.rounds):
            for mine, name in compared:
                measured[mine][0].append(ours_ms(arguments, shape, mine))
                measured[mine][1].append(theirs.ms(name))
        for mine, (ours, peer) in measured.items():
            ratios = sorted(a / b for a, b in zip(ours, peer))
            first, _, third = statistics.quantiles(ratios, n=4)
            print(f"{shape + '/' + mine:32}{statistics.median(ours):10.2f}{statistics.median(peer):12.2f}"
                  f"{statistics.median(ratios):8.2f}{first:9.2f} -{third:5.2f}", flush=True)


if __name__ == "__main__":
    main()
