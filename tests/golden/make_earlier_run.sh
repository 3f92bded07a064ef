#!/bin/sh
# A training run as an earlier version of the program left it, interrupted after step 300 of 302, with what that
# version reached by step 302 and what it generates from step 300: the tests go on with it. Run once, with that version's program:
#
#   sh tests/golden/make_earlier_run.sh PROGRAM
set -eu

program=$(realpath "$1")
golden=$(cd "$(dirname "$0")" && pwd)
here=$golden/earlier_run
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

mkdir texts
cp -r "$golden/../multipl_moe/corpus/python" "$golden/../multipl_moe/corpus/ruby" texts
printf '%s' '{"model_type": "qwen2", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
  "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": 257, "max_position_embeddings": 64}' >tiny.json
"$program" prepare texts -o data --test-fraction 0.3
"$program" make-checkpoint --config-json tiny.json --dtype float32 -o base -q
"$program" upcycle --model base --arch causal-multipl-moe --token-experts 3 --segment-experts 2 --segment-window 4 \
  -o moe -q
"$program" train --model moe --data data --steps 302 --batch-size 2 --sequence-length 32 --learning-rate 0.02 \
  --save-steps 300 --keep-checkpoints 2 --log-every 1 --trainable all --threads 1 -o run -q
"$program" generate --model run/checkpoints/step-000300 --prompt 'def ' --max-new-tokens 24 --seed 3 --json -q >text.jsonl

rm -rf "$here"
mkdir "$here"
cp -r data moe run text.jsonl "$here"
tail -n 2 run/metrics.jsonl >"$here/metrics.jsonl"
sed -n 299,300p run/metrics.jsonl >"$here/run/metrics.jsonl"
rm -rf "$here/run/checkpoints/step-000302"
echo step-000300 >"$here/run/checkpoints/LATEST"
