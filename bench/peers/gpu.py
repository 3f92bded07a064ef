#!/usr/bin/env python3
"""Times layers of moelayers on a GPU and the same layers in PyTorch, and prints the ratios.

    python3 bench/peers/gpu.py --bench build/gpu/bin/moe_layer_bench_gpu --shapes mixtral qwen1.5-moe --rounds 7

The peers, each in bfloat16 on the same routing:
    loop         a loop over experts: gather the rows, three linears, add the weighted outputs
    grouped_mm   rows sorted by expert, PyTorch's grouped matrix product
    liger        Liger-Kernel's fused_moe, if liger_kernel can be imported (equal number of experts for all rows)
    scattermoe   ScatterMoE's GLUMLP, if scattermoe can be imported (equal number of experts for all rows)
A peer that is missing or fails is reported and left out. Rounds alternate between moelayers and every peer. A ratio is
the median over rounds of (time of the peer / time of moelayers in the same round): above 1, moelayers is faster.
--device cpu runs the peers alone, at the shape `small`, to try the script out. This script requires PyTorch; the
library, its tests and its benchmark do not.
"""
import argparse
import json
import statistics
import subprocess
import sys
import time

import torch
from torch.nn.functional import linear, silu, softmax

# Sequences, rows per sequence, width, inner channels, experts, experts per row, inner channels of the shared expert,
# experts of the segment level. The sizes are those of layer_bench.cu.
SHAPES = {
    "paper-4x1024": (4, 1024, 2048, 5504, 6, 2, 0, 6),
    "paper-64x1024": (64, 1024, 2048, 5504, 6, 2, 0, 6),
    "mixtral": (1, 8192, 4096, 14336, 8, 2, 0, 0),
    "qwen1.5-moe": (1, 16384, 2048, 1408, 60, 4, 5632, 0),
    "small": (4, 256, 256, 512, 6, 2, 0, 6),
}
WINDOW = 64


class Layer:
    """Weights and routing of one shape; `engine` runs the experts."""

    def __init__(self, shape, device, engine):
        self.count, self.length, width, hidden, experts, self.chosen, shared_path, self.segment_experts = SHAPES[shape]
        self.engine = engine

        def weight(*sizes):
            return torch.empty(*sizes, dtype=torch.bfloat16, device=device).uniform_(-0.03, 0.03).requires_grad_()

        self.hybrid = self.segment_experts > 0
        self.router = weight(experts, width)
        self.segment_router = weight(self.segment_experts, width) if self.hybrid else None
        every = experts + self.segment_experts
        self.gate, self.up = weight(every, hidden, width), weight(every, hidden, width)
        self.down = weight(every, width, hidden)
        self.shared_path = [weight(shared_path, width), weight(shared_path, width), weight(width, shared_path),
                          weight(1, width)] if shared_path else None

    def pairs(self, x):
        """Rows, experts and gates of every pair."""
        logits = linear(x.float(), self.router.float())
        if self.hybrid:
            # Expert 0 is always selected; the gates of the selected experts sum to 1.
            others = torch.topk(logits[:, 1:], self.chosen - 1, dim=-1).indices + 1
            who = torch.cat([torch.zeros_like(others[:, :1]), others], dim=-1)
            gates = softmax(logits.gather(1, who), dim=-1) * 0.7
        else:
            gates, who = torch.topk(softmax(logits, dim=-1), self.chosen, dim=-1)
            gates = gates / gates.sum(dim=-1, keepdim=True) if self.shared_path is None else gates
        rows = torch.arange(len(x), device=x.device).repeat_interleave(self.chosen)
        who, gates = who.flatten(), gates.flatten()
        if not self.hybrid:
            return rows, who, gates
        # Each segment expert selects the segments with its highest scores.
        segments = len(x) // WINDOW
        means = x.float().view(segments, WINDOW, -1).mean(dim=1)
        scores = softmax(linear(means, self.segment_router.float()), dim=-1)
        take = max(1, segments // self.segment_experts)
        taken = torch.topk(scores.t(), take, dim=-1)
        in_segment = torch.arange(WINDOW, device=x.device)
        more_rows = (taken.indices[:, :, None] * WINDOW + in_segment).flatten()
        more_gates = 0.3 * taken.values[:, :, None].expand(-1, -1, WINDOW).flatten()
        more_who = torch.arange(self.segment_experts, device=x.device).repeat_interleave(take * WINDOW)
        first = len(self.router)
        return (torch.cat([rows, more_rows]), torch.cat([who, more_who + first]), torch.cat([gates, more_gates]))

    def __call__(self, x):
        y = self.engine(self, x, *self.pairs(x))
        if self.shared_path:
            gate, up, down, scale = self.shared_path
            y = y + torch.sigmoid(linear(x, scale)) * linear(silu(linear(x, gate)) * linear(x, up), down)
        return y


def loop(layer, x, rows, who, gates):
    y = torch.zeros_like(x)
    for e in range(len(layer.gate)):
        mine = (who == e).nonzero().flatten()
        if len(mine) == 0:
            continue
        x_e = x[rows[mine]]
        answer = linear(silu(linear(x_e, layer.gate[e])) * linear(x_e, layer.up[e]), layer.down[e])
        y = y.index_add(0, rows[mine], answer * gates[mine, None].to(x.dtype))
    return y


def grouped_mm(layer, x, rows, who, gates):
    product = getattr(torch.nn.functional, "grouped_mm", None) or torch._grouped_mm
    order = torch.argsort(who, stable=True)
    ends = torch.bincount(who, minlength=len(layer.gate)).cumsum(0).to(torch.int32)
    x_n = x[rows[order]]
    h = silu(product(x_n, layer.gate.transpose(1, 2), offs=ends)) * product(x_n, layer.up.transpose(1, 2), offs=ends)
    answer = product(h, layer.down.transpose(1, 2), offs=ends)
    return torch.zeros_like(x).index_add(0, rows[order], answer * gates[order, None].to(x.dtype))


def rectangular(layer):
    if layer.hybrid:
        raise RuntimeError("requires the same number of experts for all rows")


def liger(layer, x, _rows, who, gates):
    rectangular(layer)
    from liger_kernel.ops.fused_moe import LigerFusedMoEFunction
    if not hasattr(layer, "gate_up"):
        layer.gate_up = torch.cat([layer.gate, layer.up], dim=1).detach().requires_grad_()
    return LigerFusedMoEFunction.apply(x, layer.gate_up, layer.down, who.view(len(x), -1).to(torch.int32),
                                       gates.view(len(x), -1))


def scattermoe(layer, x, _rows, who, gates):
    rectangular(layer)
    from scattermoe.mlp import GLUMLP
    if not hasattr(layer, "glu"):
        layer.glu = GLUMLP(x.shape[1], layer.gate.shape[1], len(layer.gate), layer.chosen,
                           activation=torch.nn.SiLU()).to(x.device, torch.bfloat16)
    return layer.glu(x, gates.view(len(x), -1).to(x.dtype), who.view(len(x), -1))


PEERS = {"loop": loop, "grouped_mm": grouped_mm, "liger": liger, "scattermoe": scattermoe}


class Peer:
    """Forward and backward of one peer at one shape."""

    def __init__(self, name, shape, device):
        torch.manual_seed(1)
        self.layer = Layer(shape, device, PEERS[name])
        rows, width = self.layer.count * self.layer.length, self.layer.gate.shape[2]
        self.x = torch.empty(rows, width, dtype=torch.bfloat16, device=device).uniform_(-1, 1)
        self.d_y = torch.empty_like(self.x).uniform_(-1, 1)
        self.on_gpu = device == "cuda"
        for _ in range(2):
            self.seconds()

    def timed(self, run):
        if not self.on_gpu:
            begin = time.perf_counter()
            result = run()
            return time.perf_counter() - begin, result
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        torch.cuda.synchronize()
        begin.record()
        result = run()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) / 1e3, result

    def seconds(self):
        x = self.x.detach().requires_grad_()
        forward, y = self.timed(lambda: self.layer(x))
        backward, _ = self.timed(lambda: y.backward(self.d_y))
        return {"forward": forward, "backward": backward}


def ours(bench, shape):
    command = [bench, "--shapes", shape, "--rounds", "1", "--format", "jsonl"]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.splitlines()
    results = {line["what"]: line["seconds"][0] for line in map(json.loads, lines)}
    return {what: results[what] for what in ("forward", "backward")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", default="build/gpu/bin/moe_layer_bench_gpu",
                        help="moe_layer_bench_gpu (default: %(default)s)")
    parser.add_argument("--shapes", nargs="+", default=["paper-4x1024", "paper-64x1024", "mixtral", "qwen1.5-moe"],
                        choices=sorted(SHAPES), help="shapes to measure (default: all but small)")
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS),
                        help="peers to compare with (default: all)")
    parser.add_argument("--rounds", type=int, default=7, help="number of rounds, 5 or more (default: %(default)s)")
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"],
                        help="device; cpu runs only the peers (default: %(default)s)")
    arguments = parser.parse_args()
    if arguments.rounds < 5:
        parser.error(f"--rounds must be 5 or more, found {arguments.rounds}")
    if arguments.device == "cuda" and not torch.cuda.is_available():
        sys.exit("gpu.py: PyTorch finds no GPU; --device cpu runs the peers without one")
    where = torch.cuda.get_device_name() if arguments.device == "cuda" else "cpu"
    print(f"PyTorch {torch.__version__}, {where}, {arguments.rounds} rounds")
    print(f"{'shape, pass, peer':44}{'ours ms':>10}{'peer ms':>10}{'peer / ours':>13}{'quartiles':>16}")
    for shape in arguments.shapes if arguments.device == "cuda" else ["small"]:
        peers = {}
        for name in arguments.peers:
            try:
                peers[name] = Peer(name, shape, arguments.device)
            except Exception as error:  # Peers may raise any exception.
                print(f"{shape}: {name} is left out: {type(error).__name__}: {str(error).splitlines()[0]}")
        measured = {(name, what): ([], []) for name in peers for what in ("forward", "backward")}
        for _ in range(arguments.rounds):
            mine = ours(arguments.bench, shape) if arguments.device == "cuda" else None
            for name, peer in peers.items():
                for what, seconds in peer.seconds().items():
                    measured[name, what][0].append(mine[what] if mine else float("nan"))
                    measured[name, what][1].append(seconds)
        for (name, what), (our_times, peer_times) in measured.items():
            ratios = sorted(b / a for a, b in zip(our_times, peer_times))
            first, _, third = statistics.quantiles(ratios, n=4)
            print(f"{shape + ', ' + what + ', ' + name:44}{1e3 * statistics.median(our_times):10.3f}"
                  f"{1e3 * statistics.median(peer_times):10.3f}{statistics.median(ratios):13.2f}"
                  f"{first:9.2f} -{third:5.2f}", flush=True)


if __name__ == "__main__":
    main()
