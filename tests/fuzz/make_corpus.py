#!/usr/bin/env python3
"""Writes corpus/<target>/: the initial corpus, for each parser a few small files that it accepts and a few that it
rejects.

    python3 tests/fuzz/make_corpus.py
"""
import json
import pathlib
import struct

CORPUS = pathlib.Path(__file__).parent / "corpus"


def put(target, name, data):
    path = CORPUS / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def safetensors():
    headers = {
        "empty": ({}, 0),
        "one": ({"a": tensor("F32", [2, 3], 0, 24)}, 24),
        "metadata": ({"__metadata__": {"format": "pt", "é\n": "\\"}, "a.weight": tensor("BF16", [1, 2], 0, 4)}, 4),
        "unsorted": ({"b": tensor("U8", [1], 1, 2), "a": tensor("BOOL", [1], 0, 1)}, 2),
        "misaligned": ({"a": tensor("I8", [1], 0, 1), "b": tensor("F64", [1], 1, 9), "c": tensor("F16", [1], 9, 11)}, 11),
        "scalars": ({"s": tensor("F32", [], 0, 4), "none": tensor("I64", [3, 0], 4, 4)}, 4),
        "layer": ({"a": tensor("F64", [2, 1], 0, 16), "u": tensor("F32", [2, 1], 16, 24),
                   "d": tensor("F16", [1, 2], 24, 28)}, 28),
        "hole": ({"a": tensor("U8", [1], 1, 2)}, 2),
        "overflow": ({"a": tensor("F32", [4294967296, 4294967296], 0, 4)}, 4),
        "negative": ({"a": tensor("F32", [-1], 0, 4)}, 4),
    }
    for name, (header, size) in headers.items():
        text = compact(header).encode()
        put("safetensors", name, struct.pack("<Q", len(text)) + text + b"\x3c" * size)
        put("safetensors_header", name, bytes([size]) + text)
    put("safetensors", "size_wraps", struct.pack("<Q", 2**64 - 1) + b"{}")
    put("safetensors_header", "twice", b'\x01{"a":' + compact(tensor("U8", [1], 0, 1)).encode() + b',"a":{}}')


def model_config():
    dense = {
        "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "hidden_act": "silu", "hidden_size": 16,
        "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
        "vocab_size": 257, "max_position_embeddings": 4096, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
        "tie_word_embeddings": False, "use_sliding_window": False, "rope_scaling": None, "head_dim": 8,
    }
    put("model_config", "dense", compact(dense))
    put("model_config", "rope", compact(dense | {"rope_parameters": {"rope_type": "default", "rope_theta": 500.0}}))
    mixtures = {
        "multipl_moe": {
            "architecture": "multipl-moe", "router": "top-k", "num_token_experts": 4, "num_segment_experts": 3,
            "num_experts_per_tok": 2, "shared_expert_index": -1, "segmenter": "boundary-window", "segment_window": 8,
            "segment_minimum_window": 4, "segment_boundary_token": 10, "segment_expert_cap": 2,
            "segment_capacity_factor": 1.25, "fusion": "matrix", "fusion_token_weight": 0.5,
            "fusion_segment_weight": 0.5, "balance": "routed", "threshold_beta": 0.9, "moe_intermediate_size": 40,
        },
        "gshard": {"architecture": "gshard", "expert_capacity_factor": 1.5, "random_choice": "off"},
        "qwen_moe": {"architecture": "qwen1.5-moe", "shared_expert_intermediate_size": 32},
        "lora": {"architecture": "lora", "lora_rank": 4, "lora_alpha": 8.0},
        "mole": {"architecture": "mole", "languages": ["go", "cpp"], "language_rank": 2, "shared_rank": 3},
    }
    for name, moe in mixtures.items():
        put("model_config", name, compact(dense | {"moe": moe}))
    yarn = {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 1024, "mscale": 1.5, "truncate": False}
    windows = {"use_sliding_window": True, "sliding_window": 512, "layer_types": ["sliding_attention", "full_attention"]}
    put("model_config", "windows_yarn", compact(dense | {"rope_scaling": yarn} | windows))
    llama3 = {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4}
    put("model_config", "mixtral", compact(dense | {
        "model_type": "mixtral", "rope_parameters": llama3, "sliding_window": 9, "num_local_experts": 4,
        "num_experts_per_tok": 2, "hidden_act": "gelu"}))
    put("model_config", "qwen3", compact(dense | {"model_type": "qwen3", "rope_scaling": {"type": "dynamic", "factor": 2}}))
    put("model_config", "qwen3_moe", compact(dense | {
        "model_type": "qwen3_moe", "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 8,
        "norm_topk_prob": True, "decoder_sparse_step": 2, "mlp_only_layers": [0]}))
    put("model_config", "ours", compact(dense | {
        "model_type": "multipl_moe", "qk_norm": True, "dense_layers": [1], "moe": {"architecture": "mixtral"}}))
    put("model_config", "layers", compact(dense | {"num_hidden_layers": 2**31}))
    put("model_config", "heads", compact(dense | {"num_attention_heads": 3}))
    put("model_config", "monstrous", compact(dense | {"hidden_size": 2**24, "intermediate_size": 2**24}))


def manifest():
    put("manifest", "empty", "")
    put("manifest", "two", "e6c632b61e964e1f 1 a\n2d06800538d394c2 18446744073709551615 b c.json\n")
    put("manifest", "twice", "e6c632b61e964e1f 1 a\ne6c632b61e964e1f 1 a\n")
    put("manifest", "outside", "e6c632b61e964e1f 1 ../a\n")
    put("manifest", "cut", "e6c632b61e964e1f 1 a")


def trainer_state():
    good = {"format": 1, "global_step": 12, "updates": 9, "skipped": 3, "skipped_in_a_row": 2, "last_good_step": 10,
            "next_sequence": 96, "settings": {"--seed": "7", "--learning-rate": "1e-4"}}
    put("trainer_state", "good", json.dumps(good, indent=2))
    put("trainer_state", "lies", json.dumps(good | {"updates": 10}))
    put("trainer_state", "huge", json.dumps(good | {"global_step": 2**64}))


def strict_json():
    put("strict_json", "values", '{"a":[1,-2,3.5e-7,true,null,"\\u00e9\\ud83d\\ude00\\n"],"b":{"a":{}}}')
    put("strict_json", "numbers", "[0,-0,-0.0,1e308,18446744073709551615,-9223372036854775808,5e-324]")
    put("strict_json", "deep", "[" * 63 + "]" * 63)
    put("strict_json", "deeper", "[" * 70 + "]" * 70)
    put("strict_json", "twice", '{"a":1,"a":2}')
    put("strict_json", "cut", '{"a":"\\u00')


def utf8():
    put("utf8", "text", "a\tb é € 😀 \x7f \x85 \x1b[31m \\")
    put("utf8", "edges", "\x7f\x80\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff")
    put("utf8", "broken", b"\xc0\x80 \xe0\x9f\xbf \xed\xa0\x80 \xf0\x8f\xbf\xbf \xf4\x90\x80\x80 \xff \xe2\x82")
    put("utf8", "long", "€" * 80)


def fences():
    put("fences", "two", b"\x03a\n```python\nx = 1\n```\nb\n   ~~~~ c++ more\n~~~\n```\n~~~~~  \n")
    put("fences", "open", b"\x07```rs\nfn")
    put("fences", "no_fence", b"\x00```a`b\n    ```go\n``\n~~~")


def token_file():
    def file(vocab_size, documents, width, body, version=1):
        head = struct.pack("<IIQQQQQ", version, width, vocab_size, 77, documents[0], documents[1], 0)
        return b"moetoks\n" + head + body

    put("token_file", "empty", file(257, (0, 0), 2, struct.pack("<Q", 0)))
    put("token_file", "narrow", file(257, (2, 3), 2, struct.pack("<3H3Q", 1, 256, 3, 0, 2, 3)))
    put("token_file", "wide", file(151936, (1, 2), 4, struct.pack("<2I2Q", 151935, 0, 0, 2)))
    put("token_file", "outside", file(257, (1, 1), 2, struct.pack("<H2Q", 257, 0, 1)))
    put("token_file", "wraps", file(257, (0, 2**63 + 4), 2, struct.pack("<2Q", 0, 0)))


def run_record():
    settings = '[pretrain]\noutput = "o"\nbatch-size=8\nsequence-length=64\ngradient-accumulation-steps=2\n# c\n'
    environment = compact({"version": "1.0", "threads": 2, "dependencies": {"eigen": "3.4"},
                           "data": {"go.train": {"xxh3": "00ff", "tokens": 5}}, "resumed": [{}]})
    step = {"step": 1, "loss": 5.5, "aux": 0.1, "learning_rate": 1e-4, "gradient_norm": None, "tokens_per_second": 9.5}
    lines = compact(step) + "\n" + compact(step | {"step": 3, "skipped": True}) + "\n"
    put("run_record", "run", "\0".join([settings, environment, lines]))
    put("run_record", "killed", "\0".join([settings, "{}", lines + '{"step":4,']))
    put("run_record", "falls", "\0".join([settings, "{}", lines + lines]))
    put("run_record", "sections", "\0".join(["a = 1\n[b]\n", "{}", lines]))


def tensor_index():
    def index(weights, **metadata):
        return compact({"metadata": metadata, "weight_map": weights})

    # The target's own files: "a" in first.safetensors, "b" and "c" in second.safetensors, 9 bytes in total.
    first, second = "first.safetensors", "second.safetensors"
    good = {"c": second, "a": first, "b": second}
    put("tensor_index", "good", index(good, total_size=9))
    put("tensor_index", "more", compact({"x": [{"metadata": {}}], "weight_map": good, "metadata": {"y": {"z": -1}}}))
    put("tensor_index", "empty", index({}))
    put("tensor_index", "wrong_size", index(good, total_size=10))
    put("tensor_index", "absent", index(good | {"d": first}))
    put("tensor_index", "unlisted", index({"a": first, "b": second}))
    put("tensor_index", "elsewhere", index(good | {"a": second}))
    put("tensor_index", "missing", index(good | {"d": "third.safetensors"}))
    put("tensor_index", "fifo", index(good | {"d": "pipe.safetensors"}))
    put("tensor_index", "above", index(good | {"d": "../x.safetensors"}))
    put("tensor_index", "absolute", index(good | {"d": "/etc/passwd"}))
    put("tensor_index", "link", index(good | {"d": "link.safetensors"}))


def utf8_stream():
    put("utf8_stream", "text", "\x02aé€😀z".encode())
    put("utf8_stream", "broken", b"\x01\xe2\x82\xf0\x9f\x98a\xc0\x80\xed\xa0\x80\xff\xf4\x90\x80\x80\xe2\x82")


def byte_vocabulary(*more):
    """The letter of every byte, and the given further tokens."""
    kept = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = {byte: chr(byte) for byte in kept}
    letters |= {byte: chr(0x100 + n) for n, byte in enumerate(b for b in range(256) if b not in letters)}
    return {text: number for number, text in enumerate([*letters.values(), *more])}


def special(number, text="<|endoftext|>"):
    return {"id": number, "content": text, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": False, "special": True}


def tokenizer_json():
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": r"\p{N}| ?\p{L}+|\s+"}, "behavior": "Isolated", "invert": False}
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
             "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
             "vocab": byte_vocabulary("ab", "abc"), "merges": [["a", "b"], ["ab", "c"]]}
    good = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [special(258)],
            "normalizer": {"type": "NFC"}, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]},
            "post_processor": level, "decoder": level, "model": model}
    put("tokenizer_json", "good", compact(good))
    put("tokenizer_json", "small", compact(good | {"model": model | {"vocab": {"a": 0}, "merges": []}}))
    put("tokenizer_json", "nfd", compact({"normalizer": {"type": "NFD"}}))
    put("tokenizer_json", "words", compact({"model": {"type": "WordPiece"}}))
    put("tokenizer_json", "merge", compact({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a c"]}}))


def vocabulary_files():
    vocabulary, merges = compact(byte_vocabulary("ab", "abc")), "#version: 0.2\na b\nab c\n"
    config = compact({"tokenizer_class": "Qwen2Tokenizer", "added_tokens_decoder":
                      {"258": {key: value for key, value in special(258).items() if key != "id"}}})
    put("vocabulary_files", "two", vocabulary + "\0" + merges)
    put("vocabulary_files", "three", vocabulary + "\0" + merges + "\0" + config)
    put("vocabulary_files", "unknown", compact({"a": 0, "b": 1}) + "\0a c")
    put("vocabulary_files", "gap", compact({"a": 0, "b": 4294967295}) + "\0")


def generation_config():
    put("generation_config", "qwen", compact({"bos_token_id": 151643, "do_sample": False, "eos_token_id": 151643,
                                              "max_new_tokens": 2048, "transformers_version": "4.37.0"}))
    put("generation_config", "all", compact({"eos_token_id": [1, 2], "pad_token_id": None, "temperature": 0.7,
                                             "top_p": 0.8, "top_k": 20.0, "repetition_penalty": 1.05}))
    put("generation_config", "negative", compact({"temperature": -1}))
    put("generation_config", "fraction", compact({"eos_token_id": 1.5}))
    put("generation_config", "text", compact({"top_p": "0.8"}))


def problem_file():
    problem = {"name": "a", "language": "rs", "prompt": "fn f() {\n", "doctests": "keep", "prompt_terminology": "verbatim",
               "tests": "}\n\nfn main() {}\n", "stop_tokens": ["\n}"]}
    human_eval = {"task_id": "HumanEval/0", "prompt": "def f():\n", "entry_point": "f", "canonical_solution": "    pass\n",
                  "test": "def check(f):\n    f()\n"}
    exercise = problem | {"name": "b", "language": "go_test.go", "family": "fold", "level": 2, "stratum": "nowhere"}
    put("problem_file", "three", "\n".join(compact(value) for value in (problem, human_eval, exercise)))
    put("problem_file", "crlf", "\ufeff" + compact(problem) + "\r\n\r\n" + compact(exercise) + "\r\n")
    put("problem_file", "twice", compact(problem) + "\n" + compact(problem))
    put("problem_file", "cobol", compact(problem | {"language": "cobol"}))
    put("problem_file", "no_tests", compact({key: value for key, value in problem.items() if key != "tests"}))
    put("problem_file", "empty", "\n")


def completion_file():
    line = {"name": "a", "language": "ruby", "sample": 1, "completion": "  1\nend\n", "finish_reason": "stop", "tokens": 3}
    lines = (line, line | {"sample": 0, "cut": False}, {"task_id": "HumanEval/0", "completion": "x\n# y"})
    put("completion_file", "lines", "\n".join(compact(value) for value in lines))
    put("completion_file", "whole", compact({"name": "a", "language": "rb", "prompt": "p", "tests": "t",
                                             "stop_tokens": ["\n#"], "completions": ["x", "y\n#"]}))
    put("completion_file", "unknown", compact({"name": "b", "completion": ""}))
    put("completion_file", "ambiguous", compact({"name": "a", "completion": ""}))
    put("completion_file", "negative", compact(line | {"sample": -1}))


def claims():
    claim = ('[low-up]\nsentence = "It rises."  # a comment\nsource = "Table 1"\nfamily = "table1"\nmeasure = "score"\n'
             'direction = "better"\na = "m"\nb = ["base", "x"]\nlanguages = ["low", "cpp"]\nmargin = 1.5\n')
    routing = ('[bottom]\nsentence = "s"\nsource = "Figure 3"\nfamily = "f"\nmeasure = "expert-spread"\n'
               'direction = "below"\na = "m"\nlanguages = ["all"]\nlayer = "bottom"\nmargin = 0.25\n')
    put("claims", "both", claim + 'text_a = "c"\ntext_margin = 1e-2\n\n' + routing)
    put("claims", "twice", claim + claim)
    put("claims", "unknown", routing + "color = 1\n")
    put("claims", "open", claim + 'text_a = "c\n')


def scores_table():
    header = "benchmark,language,name,family,level,stratum,n,c\n"
    put("scores_table", "plain", header + 'ex,go,a,fold,2,nowhere,4,1\n"e""x, y",rust,a,"f\nx",2,nowhere,4,3\r\n')
    put("scores_table", "missing", header + "ex,go,a,fold,2,nowhere,4,1\nex,rust,b,fold,2,nowhere,4,1\n")
    put("scores_table", "many", header + "ex,go,a,fold,2,nowhere,1e15,1e15\n")
    put("scores_table", "open", header + '"ex,go,a,fold,2,nowhere,4,1\n')


def routed_sequences():
    header = "language,layer,level,sequence,rows,experts,segments\n"
    put("routed_sequences", "plain", header + "go,0,token,0,4,- 3 1,\nrust,0,segment,0,3,2 1,0 0+1 -\n")
    put("routed_sequences", "other_experts", header + "go,0,token,0,4,3 1,\ngo,0,token,1,4,3 1 0,\n")
    put("routed_sequences", "unknown_expert", header + "go,0,segment,0,1,1 0,2\n")
    put("routed_sequences", "short", header + "go,0,segment,0,3,1 0,0 -\n")
    put("routed_sequences", "many", header + "go,1e15,token,0,1e15,999999999999999,\n")


for write in (safetensors, model_config, manifest, trainer_state, strict_json, utf8, fences, token_file, run_record,
              tensor_index, utf8_stream, tokenizer_json, vocabulary_files, generation_config,
              problem_file, completion_file, claims, scores_table, routed_sequences):
    write()
