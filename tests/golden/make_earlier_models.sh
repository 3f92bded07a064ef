#!/bin/sh
# For every mixture a training run as the version before the program's architectures had a file each (commit 3088402)
# left it, interrupted after step 2 of 4, with what that version reached by step 4. Run once, with that version's program:
#
#   sh tests/golden/make_earlier_models.sh PROGRAM
set -eu

program=$(realpath "$1")
golden=$(cd "$(dirname "$0")" && pwd)
here=$golden/earlier_models
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

mkdir texts
cp -r "$golden/../multipl_moe/corpus/ruby" texts
printf '%s' '{"model_type": "qwen2", "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 1,
  "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 257, "max_position_embeddings": 64}' >tiny.json
"$program" prepare texts -o data --test-fraction 0.3 2>/dev/null
"$program" make-checkpoint --config-json tiny.json --dtype float32 -o base -q

rm -rf "$here"
mkdir "$here"
cp -r data "$here"
for arch in multipl-moe causal-multipl-moe multipl-moe-literal multipl-moe-released multipl-moe-without-segments \
            gshard mixtral qwen1.5-moe lora mole; do
  case $arch in
    mole) sizes="--language-rank 2 --shared-rank 3" ;;
    lora) sizes="--lora-rank 2" ;;
    multipl-moe-without-segments | gshard | mixtral) sizes="--token-experts 4 --experts-per-token 2" ;;
    qwen1.5-moe) sizes="--token-experts 4 --experts-per-token 2" ;;
    *) sizes="--token-experts 3 --segment-experts 2 --segment-window 4" ;;
  esac
  "$program" upcycle --model base --arch $arch $sizes -o $arch -q
  "$program" train --model $arch --data data --steps 4 --batch-size 2 --sequence-length 32 --learning-rate 0.02 \
    --save-steps 2 --keep-checkpoints 2 --log-every 1 --threads 1 -o $arch-run -q
  tail -n 2 $arch-run/metrics.jsonl >"$here/$arch.jsonl"
  cp -r $arch $arch-run "$here"
  sed -n 1,2p $arch-run/metrics.jsonl >"$here/$arch-run/metrics.jsonl"
  rm -rf "$here/$arch-run/checkpoints/step-000004"
  echo step-000002 >"$here/$arch-run/checkpoints/LATEST"
done
