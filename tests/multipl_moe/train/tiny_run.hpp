/// A prepared corpus and a model that trains on it in milliseconds per step.
#pragma once

#include "../io/scratch.hpp"
#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/data/prepare.hpp"
#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe::testing {

inline ModelConfig tiny_config() {
  ModelConfig config = size_named("demo");
  config.hidden_size = 16;
  config.intermediate_size = 24;
  config.num_attention_heads = 2;
  config.num_key_value_heads = 2;
  return config;
}

struct TinyRun {
  ScratchFolder scratch;
  LanguageFiles files;
  std::unique_ptr<LanguageModel> model = make_language_model(tiny_config(), 1);

  TinyRun() {
    prepare({.sources = {MOE_TEST_CORPUS}, .out = scratch / "data"});
    files = open_language_files(scratch / "data", "train", ByteTokenizer().hash());
    model->initialize(1, 0.05);
  }
  BatchStream stream() const {
    return BatchStream(files, {1, 1, 1, 1, 1, 1}, {.sequences = 2, .length = 32, .seed = 1});
  }
};

}  // namespace multipl_moe::testing
