#!/usr/bin/env python3
"""Writes which fields transformers' configuration classes have, for config_fields_test.cpp to go through.

    pip install torch==2.15.0 transformers==5.24.0
    python3 tests/golden/make_config_fields.py tests/golden/data

config_fields.json: for each model_type its fields with the values that a class made without arguments writes, and under
"generation" the settings of GenerationConfig.
"""
import dataclasses
import json
import pathlib
import sys

import transformers


def fields_of(config_class):
    written = config_class().to_dict()
    names = [field.name for field in dataclasses.fields(config_class)]
    return {name: written.get(name) for name in sorted({*names, *written})}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    classes = (transformers.Qwen2Config, transformers.Qwen2MoeConfig, transformers.MixtralConfig, transformers.Qwen3Config,
               transformers.Qwen3MoeConfig)
    result = {config_class.model_type: fields_of(config_class) for config_class in classes}
    defaults = transformers.GenerationConfig._get_default_generation_params()
    names = [name for name in vars(transformers.GenerationConfig()) if not name.startswith("_")]
    result["generation"] = {name: defaults.get(name) for name in sorted(names)}
    path = pathlib.Path(sys.argv[1]) / "config_fields.json"
    path.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
