/// Whole models compared with Hugging Face transformers: the same files, logits, gradients and training steps.
/// tests/golden/make_checkpoints.py wrote the files and describes their contents.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "moe/train/adamw.hpp"
#include "multipl_moe/io/safetensors.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "multipl_moe/io/transformers_config.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "multipl_moe/train/export.hpp"
#include "support/catch.hpp"

namespace parity_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;

namespace {

namespace fs = std::filesystem;

/// The folders of MOE_PARITY_CASES, where make_matrix.py writes models of many more configurations, or the committed
/// models.
const fs::path cases =
    std::getenv("MOE_PARITY_CASES") != nullptr ? std::getenv("MOE_PARITY_CASES") : MOE_GOLDEN_CHECKPOINTS;

std::vector<std::string> names_of(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

const std::vector<std::string> all_cases = names_of(cases);

struct Expected {
  explicit Expected(const std::string& name)
      : folder(cases / name), file(SafetensorsFile::open(folder / "expected.safetensors")) {
    for (const float token : values("tokens")) tokens.push_back(static_cast<Token>(token));
    for (const float token : values("targets")) targets.push_back(static_cast<Token>(token));
    batch = {.count = file.entry("tokens").shape[0],
             .length = file.entry("tokens").shape[1],
             .tokens = tokens,
             .targets = targets};
  }
  std::vector<float> values(const std::string& name) const {
    std::vector<float> result(static_cast<std::size_t>(file.entry(name).count()));
    file.read_floats(name, result);
    return result;
  }
  double setting(const std::string& name) const { return std::stod(file.metadata().at(name)); }

  fs::path folder;
  SafetensorsFile file;
  std::vector<Token> tokens, targets;
  Sequences batch;
};

/// With dynamic scaling, the rotary embedding of a part of a text differs from that of the whole text.
std::int64_t first_length(const LanguageModel& model, const Sequences& batch) {
  return model.config().rope_scaling.type == RotaryScaling::Type::dynamic ? batch.length : 1;
}

/// The logits after every token of every sequence, or after the last one only, if a part of the text has other logits.
std::vector<float> logits_of(const LanguageModel& model, const Sequences& batch) {
  std::vector<float> logits;
  for (std::int64_t s = 0; s < batch.count; ++s)
    for (std::int64_t t = first_length(model, batch); t <= batch.length; ++t) {
      const auto text = batch.tokens.subspan(static_cast<std::size_t>(s * batch.length), static_cast<std::size_t>(t));
      const auto row = model.logits_after(text);
      logits.insert(logits.end(), row.begin(), row.end());
    }
  return logits;
}

double largest(std::span<const float> values) {
  double size = 0;
  for (const float value : values) size = std::max(size, std::abs(static_cast<double>(value)));
  return size;
}

double largest_difference(std::span<const float> a, std::span<const float> b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(difference <= worst)) worst = std::isnan(difference) ? 1e300 : difference;
  }
  return worst;
}

void check_logits(const LanguageModel& model, const Expected& expected) {
  const auto logits = logits_of(model, expected.batch), all = expected.values("logits");
  const auto width = static_cast<std::ptrdiff_t>(model.config().vocab_size);
  const std::int64_t skipped = first_length(model, expected.batch) - 1;
  std::vector<float> theirs;
  for (std::int64_t row = 0; row < expected.batch.count * expected.batch.length; ++row)
    if (row % expected.batch.length >= skipped)
      theirs.insert(theirs.end(), all.begin() + row * width, all.begin() + (row + 1) * width);
  const double difference = largest_difference(logits, theirs);
  UNSCOPED_INFO("largest difference of logits " << difference);
  CHECK(difference <= 1e-4);
  for (auto ours = logits.begin(), other = theirs.cbegin(); ours != logits.end(); ours += width, other += width)
    CHECK(std::max_element(ours, ours + width) - ours == std::max_element(other, other + width) - other);
}

}  // namespace

TEST_CASE("every committed model is compared", "[parity]") { CHECK(names_of(MOE_GOLDEN_CHECKPOINTS).size() == 18); }

TEST_CASE("logits match transformers", "[parity]") {
  for (const std::string& name : all_cases) {
    INFO(name);
    const Expected expected(name);
    const auto model = load_model(expected.folder, 1);
    check_logits(*model, expected);
  }
}

TEST_CASE("logits of decoding token by token match transformers", "[parity]") {
  for (const std::string& name : all_cases) {
    INFO(name);
    const Expected expected(name);
    const auto model = load_model(expected.folder, 1);
    const auto decoding = model->begin_decoding();
    const auto text = expected.batch.tokens.first(static_cast<std::size_t>(expected.batch.length));
    std::vector<float> logits = decoding->join(text.first(1));
    for (std::size_t t = 1; t < text.size(); ++t) {
      const auto row = decoding->next(text.subspan(t, 1));
      logits.insert(logits.end(), row.begin(), row.end());
    }
    const auto theirs = expected.values(expected.file.entries().contains("decoded") ? "decoded" : "logits");
    CHECK(largest_difference(logits, std::span(theirs).first(logits.size())) <= 1e-4);
  }
}

TEST_CASE("gradients match transformers", "[parity]") {
  for (const std::string& name : all_cases) {
    INFO(name);
    const Expected expected(name);
    const auto model = load_model(expected.folder, 1);
    model->begin_training({});
    model->accumulate(expected.batch, 1, {});
    std::set<std::string> names;
    for (const TensorRef& slot : model->gradients()) {
      const std::string weight = slot.name.substr(0, slot.name.size() - std::string(".grad").size());
      const auto theirs = expected.values("grad." + weight);
      names.insert("grad." + weight);
      const double size = largest(theirs), difference = largest_difference(slot.floats(), theirs);
      INFO(weight << ": largest " << size << ", largest difference " << difference);

      CHECK(difference <= 1e-4 * size);
    }
    for (const auto& [entry, tensor] : expected.file.entries())
      if (entry.starts_with("grad.")) CHECK(names.contains(entry));
  }
}

TEST_CASE("losses of ten steps of AdamW match transformers", "[parity]") {
  for (const std::string& name : all_cases) {
    INFO(name);
    const Expected expected(name);
    const auto model = load_model(expected.folder, 2);
    const moe::AdamW optimizer{
        .beta_1 = 0.9, .beta_2 = 0.95, .epsilon = expected.setting("eps"), .decay = expected.setting("decay")};
    model->begin_training({});
    std::vector<float> losses;
    for (std::int64_t step = 1; step <= 10; ++step) {
      losses.push_back(static_cast<float>(model->accumulate(expected.batch, 1, {}).loss));
      model->step(optimizer, expected.setting("lr"), step, 1);
    }
    const auto theirs = expected.values("losses");
    INFO("losses " << theirs.front() << " to " << theirs.back());
    CHECK(theirs.front() - theirs.back() > 0.1);
    CHECK(largest_difference(losses, theirs) <= 1e-5);
  }
}

TEST_CASE("a model of transformers is saved and loaded back equal", "[parity]") {
  for (const std::string& name : all_cases) {
    INFO(name);
    const ScratchFolder scratch;
    const Expected expected(name);
    const auto model = load_model(expected.folder, 1);
    save_model(*model, scratch / "saved", {.max_shard_bytes = 20'000});
    const auto again = load_model(scratch / "saved", 1);
    CHECK(again->config() == model->config());
    CHECK(logits_of(*again, expected.batch) == logits_of(*model, expected.batch));
  }
}

TEST_CASE("an exported model gives the same logits", "[parity]") {
  for (const std::string& name : all_cases) {
    INFO(name);
    const ScratchFolder scratch;
    const Expected expected(name);
    const auto model = load_model(expected.folder, 1);
    export_model(expected.folder, scratch / "exported", {.max_shard_bytes = 30'000});
    const auto exported = load_model(scratch / "exported", 1);
    // A Mixtral does not keep the width of a dense FFN that no layer has.
    CHECK(to_transformers_json_text(exported->config(), "float32", {}) ==
          to_transformers_json_text(model->config(), "float32", {}));
    CHECK(logits_of(*exported, expected.batch) == logits_of(*model, expected.batch));
    // Saved models have other names for a Mixtral's weights.
    save_model(*model, scratch / "saved");
    export_model(scratch / "saved", scratch / "again", {.max_shard_bytes = 30'000});
    CHECK(get_bytes(scratch / "again/model.safetensors.index.json") ==
          get_bytes(scratch / "exported/model.safetensors.index.json"));
  }
}

TEST_CASE("a mixture upcycled from a Qwen2 is exported with its biases and gives the same logits", "[parity]") {
  const ScratchFolder scratch;
  if (std::getenv("MOE_PARITY_CASES") != nullptr) return;
  const Expected expected("qwen2");
  const auto dense = load_model(expected.folder, 1);
  for (const char* architecture : {"mixtral", "gshard"}) {
    INFO(architecture);
    const auto mixture = upcycled(*dense, mixture_named(architecture).value(), {.seed = 3});
    save_model(*mixture, scratch / architecture);
    export_model(scratch / architecture, scratch / "exported", {});
    const auto exported = load_model(scratch / "exported", 1);
    CHECK(exported->config().architecture() == "mixtral");
    CHECK(exported->config().attention_bias);
    CHECK(logits_of(*exported, expected.batch) == logits_of(*mixture, expected.batch));
    check_logits(*exported, expected);
  }
}

}  // namespace parity_test
