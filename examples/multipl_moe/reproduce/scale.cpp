#include "multipl_moe/reproduce/scale.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace multipl_moe::reproduce {

namespace {

using Words = std::vector<std::string>;

/// A run that is interrupted loses at most an eighth of these steps.
void save_often(Words& training, std::int64_t steps) {
  training.insert(training.end(), {"--save-steps", fmt::to_string(std::max<std::int64_t>(1, steps / 8))});
}

/// The sizes of a track of exercises.
struct Exercises {
  std::string model;
  std::int64_t problems, high, low, vocabulary, base_steps, post_steps, batch, accumulation, length, new_tokens;
};

TrackScale exercises(const Exercises& e) {
  const auto text = [](const auto& value) { return fmt::to_string(value); };
  TrackScale track;
  track.name = "exercises";
  track.traces = true;
  track.config = e.model;
  track.preparations = {
      {"problems", {"exercises", "--problems", text(e.problems), "--high", text(e.high), "--low", text(e.low)}, 1, 3e7},
      {"tokenizer",
       {"tokenizer", "train", "exercises/problems/train", "--vocab-size", text(e.vocabulary), "--digits", "3"},
       4,
       1e5},
      {"data", {"prepare", "exercises/problems/train", "--tokenizer", "exercises/tokenizer"}, 3, 1e7}};
  const Words sizes{"--data",
                    "exercises/data",
                    "--batch-size",
                    text(e.batch),
                    "--sequence-length",
                    text(e.length),
                    "--gradient-accumulation-steps",
                    text(e.accumulation),
                    "--keep-checkpoints",
                    "1",
                    "--quiet"};
  track.has_bases = true;
  track.mix = "9:1";
  track.new_model = {"--config-json", "exercises/model.json", "--tokenizer", "exercises/tokenizer"};
  track.pretrain = {"--learning-rate", "2e-3", "--steps", text(e.base_steps)};
  track.train = {"train", "--learning-rate", "1e-3"};
  track.pretrain.insert(track.pretrain.end(), sizes.begin(), sizes.end());
  track.train.insert(track.train.end(), sizes.begin(), sizes.end());
  save_often(track.pretrain, e.base_steps);
  save_often(track.train, e.post_steps);
  track.score = {"evaluate",        "--benchmark",      "exercises/problems/test", "--protocol",
                 "exercises",       "--max-new-tokens", text(e.new_tokens),        "--cache",
                 "exercises/cache", "--quiet"};
  track.post_steps = e.post_steps;
  track.window = 16;
  const auto tokens = static_cast<double>(e.batch * e.accumulation * e.length);
  track.base_tokens = tokens * static_cast<double>(e.base_steps);
  track.post_tokens = tokens * static_cast<double>(e.post_steps);
  return track;
}

Scale smoke() {
  TrackScale track = exercises(
      {.model = R"({"model_type": "qwen2", "hidden_size": 64, "intermediate_size": 172, "num_hidden_layers": 2,
 "num_attention_heads": 4, "num_key_value_heads": 4, "vocab_size": 512, "max_position_embeddings": 512,
 "tie_word_embeddings": false})",
       .problems = 4,
       .high = 1600,
       .low = 400,
       .vocabulary = 512,
       .base_steps = 150,
       .post_steps = 30,
       .batch = 4,
       .accumulation = 1,
       .length = 256,
       .new_tokens = 48});
  track.tokens_per_second = 40e3;
  track.parameters = 0.2e6;
  track.score_seconds = 8;
  track.prefix_factor = 1.2;
  return {"smoke", 1, {"dense", "multipl-moe"}, {track}, "a run on 2 busy cores"};
}

TrackScale real_code() {
  TrackScale track;
  track.name = "text";
  track.scored = Scored::by_bits;
  track.needs_corpus = true;
  track.mix = "9:1";
  track.preparations = {
      {"data", {"prepare", "--max-train-bytes", "3000000", "--max-held-out-bytes", "131072"}, 20, 4e7, true}};
  const Words sizes{"--data", "text/data", "--batch-size", "4", "--sequence-length", "256", "--keep-checkpoints",
                    "1",      "--quiet"};
  track.pretrain = {"--learning-rate", "4e-3", "--steps", "2600"};
  track.train = {"train", "--learning-rate", "1e-3"};
  track.pretrain.insert(track.pretrain.end(), sizes.begin(), sizes.end());
  track.train.insert(track.train.end(), sizes.begin(), sizes.end());
  save_often(track.pretrain, 2600);
  save_often(track.train, 1200);
  track.score = {"eval",         "--data", "text/data",         "--max-bytes", "32768",
                 "--batch-size", "4",      "--sequence-length", "256",         "--json"};
  track.post_steps = 1200;
  track.window = 16;
  track.base_tokens = 2600 * 1024;
  track.post_tokens = 1200 * 1024;
  track.tokens_per_second = 19e3;
  track.parameters = 0.5e6;
  track.score_seconds = 4;
  return track;
}

/// Lines of independent random letters: a model that is trained on them has nothing else to learn than what its routing
/// tells of later ones.
TrackScale letters() {
  TrackScale track;
  track.name = "letters";
  track.scored = Scored::by_letters;
  track.item = "questions";
  track.preparations = {{"lines", {"probe", "random-text", "--lines", "20000", "--seed", "0"}, 1, 1e7},
                        {"data", {"prepare", "letters/lines"}, 5, 1e7}};
  const Words sizes{"--data", "letters/data", "--sequence-length", "256", "--keep-checkpoints", "1", "--quiet"};
  track.new_model = {"--size", "demo"};
  track.pretrain = {"--batch-size", "8", "--steps", "150", "--learning-rate", "3e-3"};
  track.train = {"train", "--trainable", "all", "--batch-size", "4", "--learning-rate", "6e-3"};
  track.pretrain.insert(track.pretrain.end(), sizes.begin(), sizes.end());
  track.train.insert(track.train.end(), sizes.begin(), sizes.end());
  save_often(track.pretrain, 150);
  save_often(track.train, 1200);
  track.score = {"probe", "leak", "--lines", "4096", "--seed", "1"};
  track.post_steps = 1200;
  track.window = 64;
  track.base_tokens = 150 * 2048;
  track.post_tokens = 1200 * 1024;
  track.tokens_per_second = 19e3;
  track.parameters = 0.5e6;
  track.score_seconds = 60;
  return track;
}

Scale small() {
  TrackScale track = exercises(
      {.model = R"({"model_type": "qwen2", "hidden_size": 128, "intermediate_size": 344, "num_hidden_layers": 3,
 "num_attention_heads": 4, "num_key_value_heads": 4, "vocab_size": 896, "max_position_embeddings": 512,
 "tie_word_embeddings": false})",
       .problems = 120,
       .high = 16'000,
       .low = 1'600,
       .vocabulary = 896,
       .base_steps = 3200,
       .post_steps = 400,
       .batch = 4,
       .accumulation = 2,
       .length = 256,
       .new_tokens = 200});
  track.tokens_per_second = 17e3;
  track.parameters = 0.82e6;
  track.score_seconds = 50;
  track.prefix_factor = 3;
  return {"small",
          3,
          {},
          {track, real_code(), letters()},
          "docs/results/reproduction.md: one thread of a busy machine"};
}

/// What the paper did, for a machine that can.
Scale paper() {
  TrackScale track;
  track.name = "paper";
  track.traces = true;
  track.mix = "9:1";
  track.preparations = {{"data", {"prepare", "--tokenizer", "Qwen1.5-1.8B"}, 12 * 3600, 15e9, true}};
  track.base_model = "Qwen1.5-1.8B";
  // 64 sequences of 1024 tokens a step, 3.3 billion tokens.
  track.train = {"train",      "--data",
                 "paper/data", "--batch-size",
                 "8",          "--gradient-accumulation-steps",
                 "8",          "--sequence-length",
                 "1024",       "--learning-rate",
                 "7e-6",       "--device",
                 "cuda",       "--save-steps",
                 "500"};
  track.look = {"--device", "cuda"};
  track.score = {"evaluate", "--preset", "multipl-e", "--device", "cuda", "--cache", "paper/cache"};
  for (const char* benchmark : {"humaneval", "mbpp"})
    for (const char* language : {"py", "java", "cpp", "rs", "go", "rb"})
      track.score.insert(track.score.end(), {"--benchmark", fmt::format("{}-{}.jsonl", benchmark, language)});
  track.post_steps = 50'354;
  track.post_tokens = 50'354.0 * 65'536;
  track.tokens_per_second = 62e3;
  track.parameters = 1.837e9;
  track.weight_bytes = 2;
  track.score_seconds = 8 * 3600;
  track.prefix_factor = 20;
  return {"paper", 1, {}, {track}, "goals for one H200, of which nothing is measured yet"};
}

}  // namespace

std::span<const Scale> scales() {
  static const std::vector<Scale> all{smoke(), small(), paper()};
  return all;
}

}  // namespace multipl_moe::reproduce
