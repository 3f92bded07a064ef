#!/usr/bin/env python3
"""Loads a model with transformers in bfloat16 on the CPU, generates greedily, and prints memory and speed.

    multipl_moe upcycle --model qwen --arch mixtral --token-experts 12 -o mixture
    multipl_moe export --model mixture -o exported
    python3 bench/peers/large_model.py exported --tokens 32

The line to compare is that of `multipl_moe generate --model exported --weights stored`. The kernel ends this process
first if memory runs out. This script requires PyTorch and transformers; the library, its tests and its benchmark do
not.
"""
import argparse
import threading
import time

import torch
import transformers


def kilobytes(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field + ":"))


class Peak:
    """The largest resident memory without mapped files, sampled ten times a second."""

    def __init__(self):
        self.kilobytes = 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            self.kilobytes = max(self.kilobytes, kilobytes("RssAnon"))
            time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="folder of a model in the format of transformers")
    parser.add_argument("--tokens", type=int, default=32, help="tokens to generate after a prompt of two")
    parser.add_argument("--threads", type=int, default=2)
    flags = parser.parse_args()
    with open("/proc/self/oom_score_adj", "w") as adjust:
        adjust.write("1000")
    torch.set_num_threads(flags.threads)
    peak = Peak()
    start = time.perf_counter()
    model = transformers.AutoModelForCausalLM.from_pretrained(flags.model, dtype=torch.bfloat16).eval()
    print(f"loaded in {time.perf_counter() - start:.1f} s, anonymous memory {kilobytes('RssAnon') / 2**20:.2f} GiB, "
          f"peak {peak.kilobytes / 2**20:.2f} GiB", flush=True)
    with torch.inference_mode():
        ids = torch.tensor([[102, 110]])
        start = time.perf_counter()
        out = model(ids, use_cache=True)
        print(f"prompt: {time.perf_counter() - start:.2f} s", flush=True)
        start = time.perf_counter()
        for _ in range(flags.tokens - 1):
            out = model(out.logits[:, -1:].argmax(-1), past_key_values=out.past_key_values, use_cache=True)
        seconds = time.perf_counter() - start
    print(f"decoding: {flags.tokens - 1} tokens, {(flags.tokens - 1) / seconds:.2f} tok/s, "
          f"peak of anonymous memory {peak.kilobytes / 2**20:.2f} GiB")


main()
