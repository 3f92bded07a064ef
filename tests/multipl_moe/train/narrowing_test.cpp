/// Weights outside the range of a lower-precision type, in every writer of models.
#include <cmath>
#include <functional>
#include <limits>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/stored_model.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "multipl_moe/train/export.hpp"
#include "multipl_moe/train/upcycled_tensors.hpp"
#include "support/catch.hpp"
#include "tiny_run.hpp"

namespace narrowing_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

constexpr const char* weight = "model.layers.1.mlp.up_proj.weight";

/// A model in which one value of one weight is `value`.
std::unique_ptr<LanguageModel> with_value(float value) {
  auto model = make_language_model(tiny_config(), 1);
  model->initialize(1, 0.05);
  for (const TensorRef& slot : model->tensors())
    if (slot.name == weight) slot.floats()[3 * 16 + 5] = value;
  return model;
}

/// The error text of an action.
std::string refusal_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "done";
}

void upcycle_to(const ScratchFolder& scratch, const std::string& dtype) {
  const StoredModel dense = StoredModel::open(scratch / "dense");
  UpcycledTensors made(dense, mixture_named("mixtral").value(), {.seed = 3}, 1);
  stream_model(scratch / "made", made.config(), *byte_tokenizer(), {.dtype = dtype, .label = {}}, std::ref(made));
}

}  // namespace

TEST_CASE("a weight outside the range of float16 or bfloat16 is refused before anything is published", "[narrowing]") {
  struct Case {
    float value;
    const char *name, *dtype, *largest;
  };
  for (const Case& c : {Case{1e5f, "float16", "F16", "65504"}, Case{-3.4e38f, "bfloat16", "BF16", "3.3895"}}) {
    const ScratchFolder scratch;
    save_model(*with_value(c.value), scratch / "dense");
    for (const std::string& refused :
         {refusal_of([&] { export_model(scratch / "dense", scratch / "made", {.torch_dtype = c.name}); }),
          refusal_of([&] { save_model(*with_value(c.value), scratch / "made", {.torch_dtype = c.name}); })})
      CHECK_THAT(refused, ContainsSubstring(weight) && ContainsSubstring("at [3, 5]") && ContainsSubstring(c.largest) &&
                              ContainsSubstring(c.name) && ContainsSubstring("float32 holds it"));
    const std::string expert = "model.layers.1.mlp.experts.0.up_proj.weight";
    CHECK_THROWS_WITH(upcycle_to(scratch, c.dtype), ContainsSubstring(expert) && ContainsSubstring("at [3, 5]"));
    CHECK_THROWS_AS(upcycle_to(scratch, c.dtype), ValueTooLarge);
    CHECK(names_in(scratch.path()) == std::vector<std::string>{"dense"});

    upcycle_to(scratch, "F32");
    export_model(scratch / "dense", scratch / "exported", {.torch_dtype = "float32"});
    CHECK(load_model(scratch / "exported", 1)->config() == tiny_config());
  }
}

TEST_CASE("values that are infinite in a file stay infinite in every dtype", "[narrowing]") {
  const ScratchFolder scratch;
  save_model(*with_value(std::numeric_limits<float>::infinity()), scratch / "dense");
  for (const char* dtype : {"float16", "bfloat16", "float32"}) {
    export_model(scratch / "dense", scratch / dtype, {.torch_dtype = dtype});
    const TensorFolder files = TensorFolder::open(scratch / dtype);
    std::vector<float> values(static_cast<std::size_t>(files.entry(weight).count()));
    files.read_floats(weight, values);
    CHECK(std::isinf(values[3 * 16 + 5]));
  }
}

TEST_CASE("a file of doubles outside the range of float is refused by every reader of models", "[narrowing]") {
  const ScratchFolder scratch;
  const auto model = with_value(1);
  std::vector<TensorView> views;
  std::vector<double> wide;
  for (const TensorRef& slot : model->tensors()) {
    if (slot.name == weight) wide.assign(slot.floats().begin(), slot.floats().end());
    views.push_back({slot.name, "F32", slot.shape, std::as_bytes(slot.floats())});
  }
  wide[3 * 16 + 5] = 1e39;
  for (TensorView& view : views)
    if (view.name == weight) view = {view.name, "F64", view.shape, std::as_bytes(std::span(wide))};
  put_bytes(scratch / "dense/config.json", to_json_text(tiny_config()));
  write_safetensors(scratch / "dense/model.safetensors", views);
  for (const std::string& refused : {refusal_of([&] { load_model(scratch / "dense", 1); }),
                                     refusal_of([&] { export_model(scratch / "dense", scratch / "made", {}); }),
                                     refusal_of([&] { upcycle_to(scratch, "F32"); })})
    CHECK_THAT(refused, ContainsSubstring(weight) && ContainsSubstring("found 1e+39 at [3, 5]"));
  CHECK(names_in(scratch.path()) == std::vector<std::string>{"dense"});
}

TEST_CASE("weights in memory are not rounded to infinity either", "[narrowing]") {
  const auto model = with_value(3.4e38f);
  const auto check = [](const std::string& refused, const char* flag) {
    CHECK_THAT(refused, ContainsSubstring(weight) && ContainsSubstring("at [3, 5]") && ContainsSubstring(flag));
  };
  check(refusal_of([&] { model->begin_decoding(DecodingWeights::bfloat16); }), "--weights float32");
  CHECK_NOTHROW(model->begin_decoding(DecodingWeights::bfloat16_where_exact));
  CHECK_NOTHROW(model->begin_decoding(DecodingWeights::int8));
  const auto without_end = with_value(std::numeric_limits<float>::infinity());
  check(refusal_of([&] { without_end->begin_decoding(DecodingWeights::int8); }), "--weights float32");
  for (const moe::MasterWeights master : {moe::MasterWeights::split, moe::MasterWeights::bfloat16})
    check(refusal_of([&] { model->begin_training({}, {.master = master}); }), "--master-weights float32");
  // Weights that do not train are not rounded.
  CHECK_NOTHROW(model->begin_training({.train = {"*norm*"}}, {.master = moe::MasterWeights::split}));
  CHECK_NOTHROW(model->begin_training({}));
}

}  // namespace narrowing_test
