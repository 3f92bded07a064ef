#!/usr/bin/env python3
"""Times a Mixtral layer of moelayers and the same layer in PyTorch or ggml, and prints the ratios.

    python3 bench/peers/cpu.py --bench build/release/bin/moe_bench --shape mid paper --rounds 7
    python3 bench/peers/cpu.py --peer ggml --ggml build/ggml_layer --dtype bfloat16
    python3 bench/peers/cpu.py --memory

PyTorch runs in one of several forms (--form). `loop` is the block of Hugging Face transformers up to version 4: a loop
over experts that gathers each one's rows, runs its three linears and adds the weighted outputs. `eager`, `batched_mm`
and `grouped_mm` are the implementations of the experts in the block of transformers 5, and `compiled` is its grouped_mm
under torch.compile. `packed` is the loop with weights that oneDNN packs in advance, for inference. ggml runs
llama.cpp's graph of the layer (ggml_layer.cpp in this folder describes how to build it). Rounds alternate between the
two, with the same number of threads. A ratio is the median over rounds of (time of moelayers / time of the peer in the
same round), so that disturbances of the machine affect both. With --memory, the peak memory of one forward and backward
is compared instead, each in a process of its own. This script requires the peer; the library, its tests and its
benchmark do not.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time

FORMS = ["loop", "eager", "batched_mm", "grouped_mm", "compiled", "packed"]
GGML_TYPES = {"float32": "f32", "float16": "f16", "bfloat16": "bf16", "q8_0": "q8_0", "q4_0": "q4_0"}
SHAPES = {"mid": (1024, 512, 1376, 8, 2), "paper": (512, 2048, 5504, 6, 2), "qwen1.5-moe": (512, 2048, 1408, 60, 4)}


def sizes_of(shape):
    """Rows, width, inner channels, experts, experts per row of a named shape or of TxDxFxExK."""
    if shape in SHAPES:
        return SHAPES[shape]
    if not re.fullmatch(r"[1-9]\d*(x[1-9]\d*){4}", shape):
        raise argparse.ArgumentTypeError(f"must be one of {', '.join(sorted(SHAPES))}, or TxDxFxExK, found {shape}")
    return tuple(map(int, shape.split("x")))


def shape_name(text):
    sizes_of(text)
    return text


class MixtralBlock:
    """y = sum over the k experts with the highest logits of softmax(their logits) * SwiGLU_e(x)."""

    def __init__(self, width, hidden, experts, chosen, dtype):
        def weight(rows, cols):
            return torch.empty(rows, cols, dtype=dtype).uniform_(-0.05, 0.05).requires_grad_()

        self.chosen = chosen
        self.router = weight(experts, width)
        self.experts = [(weight(hidden, width), weight(hidden, width), weight(width, hidden)) for _ in range(experts)]
        self.linear = linear

    def pack(self):
        """Weights of the experts in the layout that oneDNN chooses; only inference is possible afterwards."""
        ops = torch.ops.mkldnn
        with torch.no_grad():
            self.experts = [tuple(ops._reorder_linear_weight(w, None) for w in expert) for expert in self.experts]
        self.linear = lambda x, w: ops._linear_pointwise(x, w, None, "none", [], "")
        return self

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
            answer = self.linear(silu(self.linear(mine, gate)) * self.linear(mine, up), down)
            y.index_add_(0, rows, answer * gates[rows, place, None])
        return y


def transformers_block(width, hidden, experts, chosen, dtype, form):
    """The Mixtral block of transformers 5 with one of its implementations of the experts."""
    from transformers import MixtralConfig
    from transformers.models.mixtral.modeling_mixtral import MixtralSparseMoeBlock

    config = MixtralConfig(hidden_size=width, intermediate_size=hidden, num_local_experts=experts,
                           num_experts_per_tok=chosen)
    config._experts_implementation = "grouped_mm" if form == "compiled" else form
    torch.set_default_dtype(dtype)
    block = MixtralSparseMoeBlock(config)
    torch.set_default_dtype(torch.float32)
    for weight in block.parameters():
        torch.nn.init.uniform_(weight, -0.05, 0.05)

    def run(x):
        y = block(x[None])
        return (y[0] if isinstance(y, tuple) else y)[0]

    return torch.compile(run) if form == "compiled" else run


class PyTorch:
    """The passes of one shape, which `ms` measures one at a time."""

    label = "PyTorch"

    def __init__(self, arguments, shape):
        rows, width, hidden, experts, chosen = sizes_of(shape)
        dtype = getattr(torch, arguments.dtype)
        self.seconds = arguments.seconds
        if arguments.form in ("loop", "packed"):
            block = MixtralBlock(width, hidden, experts, chosen, dtype)
        else:
            block = transformers_block(width, hidden, experts, chosen, dtype, arguments.form)
        if arguments.form == "packed":
            block.pack()
        x = torch.empty(rows, width, dtype=dtype).uniform_(-1, 1)
        d_y = torch.empty_like(x).uniform_(-1, 1)
        step = [0]

        def infer(rows_of_step):
            with torch.no_grad():
                block(rows_of_step())

        def next_rows(count):
            begin = step[0] % max(1, rows // count) * count
            step[0] += 1
            return x[begin:begin + count]

        self.passes = {
            "forward": lambda: block(x.detach().requires_grad_()),
            "forward_backward": lambda: block(x.detach().requires_grad_()).backward(d_y),
            "infer": lambda: infer(lambda: x),
            "decode_1": lambda: infer(lambda: next_rows(1)),
            "decode_8": lambda: infer(lambda: next_rows(8)),
            "decode_64": lambda: infer(lambda: next_rows(64)),
        }
        if arguments.form == "packed":
            self.passes = {name: run for name, run in self.passes.items() if "forward" not in name}
        if arguments.passes:
            self.passes = {name: run for name, run in self.passes.items() if name in map(base_of, arguments.passes)}
        self.warm = False

    @staticmethod
    def begin(arguments):
        # Only where it is used: the memory that a process has also counts as that of the processes that it starts.
        global torch, linear, one_hot, silu, softmax
        try:
            import torch
            from torch.nn.functional import linear, one_hot, silu, softmax
        except ImportError:
            sys.exit("cpu.py: PyTorch is not installed")
        torch.set_num_threads(arguments.threads)
        torch.manual_seed(1)
        return f"PyTorch {torch.__version__}, {arguments.form}"

    def ms(self, name):
        """The median time of one call in ms, over as many calls as fill the given time, at least 3."""
        if not self.warm:
            for run in self.passes.values():
                run()
            self.warm = True
        times, end = [], time.perf_counter() + self.seconds
        while len(times) < 3 or time.perf_counter() < end:
            begin = time.perf_counter()
            self.passes[name]()
            times.append(1e3 * (time.perf_counter() - begin))
        return statistics.median(times)


class Ggml:
    """The same for ggml, which has no backward pass of this layer."""

    label = "ggml"

    def __init__(self, arguments, shape):
        self.sizes = sizes_of(shape)
        self.program = arguments.ggml
        self.options = [GGML_TYPES[arguments.dtype], arguments.threads, arguments.seconds]
        self.passes = {"infer": self.sizes[0], "decode_1": 1, "decode_8": 8, "decode_64": 64}

    @staticmethod
    def begin(arguments):
        return f"ggml ({arguments.ggml})"

    def ms(self, name):
        command = [self.program, *self.sizes, *self.options, self.passes[name]]
        return float(subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE).stdout)


def base_of(name):
    """The pass of the peer that is compared with the pass `name` of moelayers."""
    return name.removesuffix("_bf16").removesuffix("_int8").removesuffix("_packed")


def peak_mib(command):
    """Peak resident memory of a process in MiB, and what it prints."""
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"cpu.py: {command[0]} failed")
    return usage.ru_maxrss / 1024, text.decode()


def own_mib():
    """Resident memory of this process in MiB."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def run_once(arguments):
    """One forward and backward in PyTorch; prints the memory that the process had before it made the layer."""
    PyTorch.begin(arguments)
    if arguments.form != "loop":
        import transformers.models.mixtral.modeling_mixtral  # noqa: F401, counted among the libraries
    before = own_mib()
    PyTorch(arguments, arguments.shape[0]).passes["forward_backward"]()
    print(before)


def compare_memory(arguments):
    print(f"peak memory of forward and backward, MiB; {arguments.form}, {arguments.dtype}, {arguments.threads} threads")
    print(f"{'shape':32}{'ours':>10}{'peer':>10}{'libraries':>12}{'ratio':>8}")
    layer = "token_moe_bf16" if arguments.ours == "bfloat16" else "token_moe"
    for shape in arguments.shape:
        ours, _ = peak_mib([arguments.bench, "layers", "--shape", shape, "--filter",
                            f"layer/{layer}/{shape}/forward_backward", "--repetitions", 1, "--min-time", 1e-6,
                            "--threads", arguments.threads])
        peer, before = peak_mib([sys.executable, __file__, "--run-once", "--shape", shape, "--form", arguments.form,
                                 "--dtype", arguments.dtype, "--threads", arguments.threads])
        libraries = float(before)
        print(f"{shape:32}{ours:10.0f}{peer:10.0f}{libraries:12.0f}{ours / (peer - libraries):8.2f}", flush=True)
    print("libraries: what the peer's process holds before the layer is made; the ratio leaves it out")


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
    parser.add_argument("--shape", nargs="+", default=["mid", "paper"], type=shape_name, metavar="NAME|TxDxFxExK",
                        help=f"shapes to measure: {', '.join(sorted(SHAPES))}, or sizes (default: mid paper)")
    parser.add_argument("--rounds", type=int, default=7, help="number of rounds, 5 or more (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2,
                        help="threads of moe_bench and of the peer (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=1.5,
                        help="seconds for one pass in a round (default: %(default)s)")
    parser.add_argument("--dtype", default="float32", choices=sorted(GGML_TYPES),
                        help="dtype of the peer's weights; PyTorch has float32 and bfloat16 (default: %(default)s)")
    parser.add_argument("--ours", default="float32", choices=["float32", "bfloat16"],
                        help="dtype of the layer of moelayers (default: %(default)s)")
    parser.add_argument("--peer", default="pytorch", choices=["pytorch", "ggml"],
                        help="the peer to compare with (default: %(default)s)")
    parser.add_argument("--form", default="loop", choices=FORMS,
                        help="form of the layer in PyTorch (default: %(default)s)")
    parser.add_argument("--ggml", default="build/ggml_layer",
                        help="the program built from ggml_layer.cpp (default: %(default)s)")
    parser.add_argument("--passes", nargs="+", default=[], metavar="PASS",
                        help="passes of moe_bench, such as decode_1_packed_bf16 (default: all that the peer has)")
    parser.add_argument("--csv", metavar="FILE", help="also write the results to this file")
    parser.add_argument("--memory", action="store_true",
                        help="compare the peak memory of forward and backward with PyTorch's instead of times")
    parser.add_argument("--run-once", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer == "pytorch" and arguments.dtype not in ("float32", "bfloat16"):
        parser.error(f"--dtype {arguments.dtype} needs --peer ggml")
    is_timed_alone = arguments.peer == "ggml" or arguments.form == "packed"
    if arguments.memory and (is_timed_alone or arguments.csv or arguments.passes):
        parser.error("--memory compares forward and backward with PyTorch: it takes no --peer ggml, --form packed, "
                     "--csv or --passes")
    if arguments.run_once:
        return run_once(arguments)
    if arguments.memory:
        return compare_memory(arguments)
    if arguments.rounds < 5:
        parser.error(f"--rounds must be 5 or more, found {arguments.rounds}")
    peer_type = {"pytorch": PyTorch, "ggml": Ggml}[arguments.peer]
    title = peer_type.begin(arguments)
    print(f"{title} ({arguments.dtype}), {arguments.threads} threads, {arguments.rounds} rounds")
    lines = ["peer,shape,pass,ours_ms,peer_ms,ratio,first_quartile,third_quartile"]
    print(f"{'pass':32}{'ours ms':>10}{'peer ms':>12}{'ratio':>8}{'quartiles':>16}")
    for shape in arguments.shape:
        theirs = peer_type(arguments, shape)
        compared = [(name, name) for name in theirs.passes]
        if arguments.ours == "float32":
            compared += [(name + how, name) for how in ("_packed", "_packed_bf16", "_packed_int8")
                         for name in theirs.passes if "forward" not in name]
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
            times = f"{statistics.median(ours):.6g},{statistics.median(peer):.6g}"
            lines.append(f"{peer_type.label},{shape},{mine},{times},"
                         f"{statistics.median(ratios):.4g},{first:.4g},{third:.4g}")
    if arguments.csv:
        with open(arguments.csv, "w") as file:
            file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
