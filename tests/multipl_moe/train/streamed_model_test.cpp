#include "multipl_moe/train/streamed_model.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <memory>

#include "moe/core/bfloat16.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/safetensors.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "multipl_moe/model/language_model.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "multipl_moe/train/export.hpp"
#include "multipl_moe/train/random_tensors.hpp"
#include "multipl_moe/train/upcycled_tensors.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

namespace streamed_model_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;

namespace {

/// Widths that are not all multiples of four, grouped heads, and layer numbers with one and with two digits.
ModelConfig dense_config() {
  ModelConfig config;
  config.hidden_size = 24;
  config.intermediate_size = 30;
  config.num_hidden_layers = moe::testing::is_slow_build ? 2 : 11;
  config.num_attention_heads = 4;
  config.num_key_value_heads = 2;
  config.vocab_size = 37;
  return config;
}

/// A dense model with every optional part of attention.
ModelConfig qwen3_config() {
  ModelConfig config = dense_config();
  config.num_hidden_layers = 3;
  config.attention_bias = false;
  config.attention_head_dim = 10;
  config.qk_norm = true;
  config.windows = {0, 5, 5};
  config.rope_scaling = {.type = RotaryScaling::Type::linear, .factor = 2};
  return config;
}

MoeConfig mixture_for(const std::string& architecture, const ModelConfig& dense) {
  MoeConfig moe = mixture_named(architecture, dense.intermediate_size).value();
  moe.lora_rank = 3;
  moe.language_rank = 2;
  moe.shared_rank = 4;
  return moe;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) {
    return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
  });
}

/// Checks that `folder` has exactly the tensors of `model`, bitwise identical.
void check_equal(LanguageModel& model, const std::filesystem::path& folder) {
  const TensorFolder file = TensorFolder::open(folder);
  const auto slots = model.tensors();
  CHECK(file.tensors().size() == slots.size());
  for (const TensorRef& slot : slots) {
    INFO(slot.name);
    REQUIRE(file.contains(slot.name));
    CHECK(file.entry(slot.name).shape == slot.shape);
    std::vector<float> values(slot.floats().size());
    file.read_floats(slot.name, values);
    CHECK(same_bits(values, slot.floats()));
  }
}

struct Dense {
  ScratchFolder scratch;
  std::unique_ptr<LanguageModel> model;

  explicit Dense(const ModelConfig& config = dense_config()) : model(make_language_model(config, 1)) {
    model->initialize(3, 0.1);
    save_model(*model, scratch / "dense");
  }
  /// Upcycles from file to file, with two threads.
  std::filesystem::path streamed(const MoeConfig& mixture, const moe::Upcycling& start, const StreamOptions& options) {
    const StoredModel dense = StoredModel::open(scratch / "dense");
    UpcycledTensors tensors(dense, mixture, start, 2);
    stream_model(scratch / "mixture", tensors.config(), *byte_tokenizer(), options, std::ref(tensors));
    return scratch / "mixture";
  }
};

const StreamOptions in_float{.dtype = "F32", .label = {}};

}  // namespace

TEST_CASE("streamed upcycling is bitwise identical to upcycling in memory, for every architecture") {
  const ModelConfig config = GENERATE(dense_config(), qwen3_config());
  INFO("norms: " << config.qk_norm);
  Dense dense(config);
  for (const std::string& architecture : mixture_names()) {
    INFO(architecture);
    const MoeConfig mixture = mixture_for(architecture, config);
    const moe::Upcycling start{.seed = 5, .router_deviation = 0.3};
    const auto expected = upcycled(*dense.model, mixture, start);
    const auto folder = dense.streamed(mixture, start, in_float);
    CHECK(to_json_text(load_config(folder)) == to_json_text(expected->config()));
    check_equal(*expected, folder);
    remove_folder(folder);
  }
}

TEST_CASE("noise and reinitialization are the same in streamed upcycling") {
  Dense dense;
  for (const std::string architecture :
       {"causal-multipl-moe", "multipl-moe-without-segments", "mixtral", "qwen1.5-moe"})
    for (const moe::Upcycling& start :
         {moe::Upcycling{.seed = 7, .noise_deviation = 0.05}, moe::Upcycling{.seed = 7, .reinitialized = 0.4},
          moe::Upcycling{.seed = 7, .noise_deviation = 0.05, .reinitialized = 0.4}}) {
      INFO(architecture << ", noise " << start.noise_deviation << ", reinitialized " << start.reinitialized);
      const MoeConfig mixture = mixture_for(architecture, dense_config());
      check_equal(*upcycled(*dense.model, mixture, start), dense.streamed(mixture, start, in_float));
      remove_folder(dense.scratch / "mixture");
    }
}

TEST_CASE("learned fusions, and mixtures without a shared expert, are the same in streamed upcycling") {
  Dense dense;
  for (const std::string fusion : {"scalar", "channel", "matrix"}) {
    MoeConfig mixture = mixture_for("causal-multipl-moe", dense_config());
    mixture.fusion = fusion;
    mixture.router = "top-k";
    const moe::Upcycling start{.seed = 1, .noise_deviation = 0.05};
    check_equal(*upcycled(*dense.model, mixture, start), dense.streamed(mixture, start, in_float));
    remove_folder(dense.scratch / "mixture");
  }
}

TEST_CASE("a stream rounds weights to its dtype once, keeps buffers in float32 and splits files") {
  Dense dense;
  const MoeConfig mixture = mixture_for("causal-multipl-moe", dense_config());
  const moe::Upcycling start{.seed = 2, .noise_deviation = 0.05};
  const auto expected = upcycled(*dense.model, mixture, start);
  const auto folder = dense.streamed(mixture, start, {.dtype = "BF16", .max_shard_bytes = 100'000, .label = {}});
  const TensorFolder file = TensorFolder::open(folder);
  CHECK(file.files().size() > 1);
  const auto listed = list_tensors(expected->config());
  std::size_t buffers = 0;
  for (const TensorRef& slot : expected->tensors()) {
    INFO(slot.name);
    const auto found = std::find_if(listed.begin(), listed.end(), [&](const auto& t) { return t.name == slot.name; });
    REQUIRE(found != listed.end());
    const bool is_buffer = found->kind == TensorKind::buffer;
    buffers += is_buffer;
    CHECK(file.entry(slot.name).dtype == (is_buffer ? "F32" : "BF16"));
    std::vector<float> values(slot.floats().size()), rounded(slot.floats().begin(), slot.floats().end());
    file.read_floats(slot.name, values);
    if (!is_buffer)
      for (float& value : rounded) value = float(moe::BFloat16(value));
    CHECK(same_bits(values, rounded));
  }
  CHECK(buffers > 0);
}

TEST_CASE("a weight of several blocks is copied bitwise in its own dtype and converted exactly to float32") {
  const ScratchFolder scratch;
  ModelConfig config = dense_config();
  config.num_hidden_layers = 1;
  // More than one block, and not a multiple of the block size.
  config.vocab_size = values_at_once / config.hidden_size + 7;
  const auto bits_of = [](const ListedTensor& tensor) {
    std::vector<std::uint16_t> bits(static_cast<std::size_t>(tensor.count()));
    // All bfloat16 values, NaN included.
    for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<std::uint16_t>(i * 40'503);
    return bits;
  };
  stream_model(scratch / "model", config, *byte_tokenizer(), {.dtype = "BF16", .label = {}},
               [&](const ListedTensor& tensor, TensorSink& sink) {
                 const auto bits = bits_of(tensor);
                 sink.write(std::as_bytes(std::span(bits)));
               });
  export_model(scratch / "model", scratch / "same", {.torch_dtype = "bfloat16"});
  export_model(scratch / "model", scratch / "wide", {.torch_dtype = "float32"});
  const TensorFolder same = TensorFolder::open(scratch / "same"), wide = TensorFolder::open(scratch / "wide");
  for (const ListedTensor& tensor : list_tensors(config)) {
    INFO(tensor.name);
    const auto bits = bits_of(tensor);
    std::vector<std::uint16_t> copied(bits.size());
    same.read(tensor.name, std::as_writable_bytes(std::span(copied)));
    CHECK(copied == bits);
    std::vector<float> values(bits.size()), widened;
    wide.read_floats(tensor.name, values);
    for (const std::uint16_t number : bits) widened.push_back(std::bit_cast<float>(std::uint32_t{number} << 16));
    CHECK(same_bits(values, widened));
  }
}

TEST_CASE("streamed random tensors equal those of an initialized model, for every architecture") {
  const ScratchFolder scratch;
  auto architectures = mixture_names();
  architectures.insert(architectures.begin(), "dense");
  const ModelConfig sizes = GENERATE(dense_config(), qwen3_config());
  INFO("norms: " << sizes.qk_norm);
  for (const std::string& architecture : architectures) {
    INFO(architecture);
    ModelConfig config = sizes;
    if (architecture != "dense") config.moe = mixture_for(architecture, config);
    if (architecture == "mixtral") config.dense_layers = {1};
    const auto expected = make_language_model(config, 1);
    expected->initialize(9, 0.07);
    const RandomTensors drawn(config, 9, 0.07, 2);
    stream_model(scratch / "random", config, *byte_tokenizer(), in_float, std::cref(drawn));
    check_equal(*expected, scratch / "random");
    remove_folder(scratch / "random");
  }
}

TEST_CASE("a stream that throws leaves no folder behind") {
  const ScratchFolder scratch;
  const auto fail = [](const ListedTensor&, TensorSink&) { throw Failure("planned"); };
  CHECK_THROWS_WITH(stream_model(scratch / "none", dense_config(), *byte_tokenizer(), in_float, fail), "planned");
  const auto forget = [](const ListedTensor&, TensorSink&) {};
  CHECK_THROWS_AS(stream_model(scratch / "none", dense_config(), *byte_tokenizer(), in_float, forget), moe::Error);
  CHECK(std::filesystem::is_empty(scratch.path()));
}

}  // namespace streamed_model_test
