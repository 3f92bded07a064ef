/// Loading: round trips of layers, and errors that leave the layer unchanged.
#include "moe/safetensors/load.hpp"

#include <cmath>
#include <filesystem>
#include <limits>

#include "moe/routing/noisy_top_k.hpp"
#include "moe/runtime/any_layer.hpp"
#include "moe/safetensors/save.hpp"
#include "moe/safetensors/writer.hpp"
#include "moe/train/initialize.hpp"
#include "moe/train/pack_weights.hpp"
#include "safetensors/layers.hpp"
#include "support/catch.hpp"
#include "support/scratch.hpp"

namespace load_test {

using namespace moe;
using namespace moe::io;
using namespace moe::testing;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

using B = Cpu<>;

/// Saves a layer with random values and loads it into `other`, which has other values.
template <class Layer>
void check_round_trip(const Layer& layer, Layer other) {
  const ScratchFolder folder;
  save(folder / "layer.safetensors", layer);
  load(folder / "layer.safetensors", other);
  CHECK(bytes_in(other) == bytes_in(layer));
  save(folder / "parts.safetensors", layer, {.max_shard_bytes = 200});
  Layer third = filled(std::move(other), 7);
  load(folder / "parts.safetensors", third);
  CHECK(bytes_in(third) == bytes_in(layer));
}

template <class Make>
void check_round_trip_of(const Make& make) {
  check_round_trip(filled(make()), filled(make(), 1));
}

TensorView view(const char* name, std::vector<std::int64_t> shape, const std::vector<double>& values) {
  return {name, "F64", std::move(shape), std::as_bytes(std::span(values))};
}

/// A layer of the user's own with an integer buffer.
struct Counter {
  using Context = CpuContext;
  Matrix<float, B> weight{2, 3};
  Vector<std::int32_t, B> counts{4};

  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    visit(prefix + "weight", trees.weight...);
  }
  template <class Visit, class... Trees>
  static void visit_buffers(Visit&& visit, const std::string& prefix, Trees&&... trees) {
    visit(prefix + "counts", trees.counts...);
  }
};

/// Two layers of a model.
struct Model {
  using Context = CpuContext;
  const SwiGlu<float, B>*one, *two;

  static void visit_parameters(const auto& visit, const std::string& prefix, const Model& model) {
    SwiGlu<float, B>::visit_parameters(visit, prefix + "layers.0.", *model.one);
    SwiGlu<float, B>::visit_parameters(visit, prefix + "layers.1.", *model.two);
  }
};

}  // namespace

TEMPLATE_TEST_CASE("layers are loaded as they were saved, buffers included", "[safetensors]", float, double) {
  using Real = TestType;
  using Ffn = SwiGlu<Real, B>;
  check_round_trip_of([] { return dense_layer<Real>(); });
  check_round_trip_of([] { return hybrid_layer<Real>(); });
  check_round_trip_of([] { return biased_layer<Real>(); });
  check_round_trip_of([] { return hybrid_layer<Real>().segment.empty_tree(); });
  check_round_trip_of([] {
    return Qwen15Moe<Real, B>(TopK{.k = 2}, {}, {}, ExpertBank<Ffn>(4, 6, 5), SharedExpert<Ffn, SigmoidGate>(6, 3));
  });
  check_round_trip_of(
      [] { return make_mole(Ffn(5, 7), {.languages = 3, .language_rank = 2, .language_alpha = 3, .shared_rank = 3}); });
  check_round_trip_of(
      [] { return TokenMoE<NoisyTopK<Real, B>, Ffn>(NoisyTopK<Real, B>(2, 6, 4), ExpertBank<Ffn>(4, 6, 5)); });
  check_round_trip_of([] { return SegmentMoE(hybrid_layer<Real>().segment); });
}

TEST_CASE("the example of the documentation", "[safetensors][docs]") {
  const ScratchFolder folder;
  const auto make_layer = [] { return hybrid_layer<float>(); };
  const auto layer = filled(make_layer());
  // [plain]
  moe::save(folder / "layer.safetensors", layer);
  auto loaded = make_layer();
  moe::load(folder / "layer.safetensors", loaded);
  // [/plain]
  CHECK(bytes_in(loaded) == bytes_in(layer));
  // [mapped]
  const auto in_model = [](const std::string& name) { return "model.layers.0.mlp." + name; };
  moe::save(folder / "model.safetensors", layer,
            {.names = in_model, .dtype = moe::StoredDtype::bfloat16, .max_shard_bytes = 1'000'000'000});
  moe::load(folder / "model.safetensors", loaded, {.names = in_model, .ignore_unexpected = true});
  // [/mapped]
  CHECK(bytes_in(loaded).at("segment.thresholds") == bytes_in(layer).at("segment.thresholds"));
}

TEST_CASE("a layer whose type is chosen at run time is saved and loaded", "[safetensors]") {
  const ScratchFolder folder;
  using Any = AnyLayer<float, B>;
  const Any any(filled(biased_layer<float>()));
  save(folder / "layer.safetensors", any);
  Any other(biased_layer<float>());
  load(folder / "layer.safetensors", other);
  CHECK(bytes_in(other) == bytes_in(any));
  auto plain = biased_layer<float>();
  load(folder / "layer.safetensors", plain);
  CHECK(bytes_in(plain) == bytes_in(any));
  Any wrong(hybrid_layer<float>());
  CHECK_THROWS_AS(load(folder / "layer.safetensors", wrong), TensorMismatch);
}

TEST_CASE("a loaded layer computes what the saved one computes", "[safetensors]") {
  const ScratchFolder folder;
  const CpuContext context;
  const auto layer = filled(hybrid_layer<float>());
  save(context, folder / "layer.safetensors", layer);
  auto loaded = hybrid_layer<float>();
  load(context, folder / "layer.safetensors", loaded);
  Draw draw("rows");
  const auto x_TD = random_matrix<float, B>(draw, 16, 6);
  const auto one = layer.infer(context, x_TD, Batch::sequences(2, 8));
  const auto two = loaded.infer(context, x_TD, Batch::sequences(2, 8));
  CHECK(std::equal(one.data(), one.data() + one.size(), two.data()));
}

TEST_CASE("layers of other float types are loaded, rounded once", "[safetensors]") {
  const ScratchFolder folder;
  auto wide = filled(dense_layer<double>(100, 90));
  // A float would round it to a tie of bfloat16, which rounds to 1.
  wide.up_proj.data()[0] = 1 + 0x1p-8 + 0x1p-40;
  save(folder / "wide.safetensors", wide);
  auto single = dense_layer<float>(100, 90);
  auto brain = dense_layer<BFloat16>(100, 90);
  load(folder / "wide.safetensors", single);
  load(folder / "wide.safetensors", brain);
  CHECK(float(brain.up_proj.data()[0]) == 1 + 0x1p-7f);
  for (Index i = 0; i < wide.up_proj.size(); ++i)
    REQUIRE(single.up_proj.data()[i] == static_cast<float>(wide.up_proj.data()[i]));
  save(folder / "narrow.safetensors", wide, {.dtype = StoredDtype::bfloat16});
  auto again = dense_layer<BFloat16>(100, 90);
  load(folder / "narrow.safetensors", again);
  CHECK(bytes_in(again) == bytes_in(brain));
  auto widened = dense_layer<double>(100, 90);
  load(folder / "narrow.safetensors", widened);
  for (Index i = 0; i < wide.up_proj.size(); ++i)
    REQUIRE(widened.up_proj.data()[i] == double{float(brain.up_proj.data()[i])});
}

TEST_CASE("missing, unexpected and unfitting tensors are listed in one error, and nothing is written",
          "[safetensors]") {
  const ScratchFolder folder;
  const std::vector<double> four(4), six(6);
  const std::vector<std::uint8_t> bytes(30);
  write_safetensors(folder / "f.safetensors",
                    std::vector<TensorView>{view("gate_proj.weight", {2, 3}, six),
                                            view("other", {4}, four),
                                            {"up_proj.weight", "U8", {5, 6}, std::as_bytes(std::span(bytes))}});
  auto layer = filled(dense_layer<float>());
  const LayerBytes before = bytes_in(layer);
  try {
    load(folder / "f.safetensors", layer);
    FAIL("was loaded");
  } catch (const TensorMismatch& error) {
    CHECK(error.path() == folder / "f.safetensors");
    CHECK(error.differences().missing == std::vector<std::string>{"down_proj.weight"});
    CHECK(error.differences().unexpected == std::vector<std::string>{"other"});
    CHECK_THAT(error.what(),
               ContainsSubstring("] must hold exactly the layer's tensors, found 1 missing: 'down_proj.weight'; "
                                 "1 unexpected: 'other'; 1 of another shape: 'gate_proj.weight' [2, 3], the layer's is "
                                 "[5, 6]; 1 of another dtype: 'up_proj.weight' U8, the layer's is F32; "
                                 "LoadOptions::names maps the layer's names to others"));
  }
  CHECK(bytes_in(layer) == before);
}

TEST_CASE("a long list of differences is cut and counted", "[safetensors]") {
  const ScratchFolder folder;
  std::vector<std::string> names;
  std::vector<TensorView> views;
  const std::vector<double> one(1);
  for (int i = 0; i < 40; ++i) names.push_back("t" + std::to_string(i));
  for (const std::string& name : names) views.push_back(view(name.c_str(), {1}, one));
  write_safetensors(folder / "f.safetensors", views);
  auto layer = dense_layer<float>();
  CHECK_THROWS_WITH(load(folder / "f.safetensors", layer),
                    ContainsSubstring("3 missing: 'down_proj.weight', 'gate_proj.weight', 'up_proj.weight'; "
                                      "40 unexpected: 't0', 't1', 't10'") ||
                        ContainsSubstring("3 missing: 'gate_proj.weight', 'up_proj.weight', 'down_proj.weight'; "
                                          "40 unexpected: 't0', 't1', 't10'"));
  CHECK_THROWS_WITH(load(folder / "f.safetensors", layer), ContainsSubstring(" and 28 more; LoadOptions::names"));
}

TEST_CASE("a layer is loaded from a file of a model by its names there", "[safetensors]") {
  const ScratchFolder folder;
  const auto first = filled(dense_layer<float>()), second = filled(dense_layer<float>(), 1);
  save(folder / "model.safetensors", Model{&first, &second});
  const auto of_layer = [](const std::string& name) { return "layers.1." + name; };
  auto layer = dense_layer<float>();
  CHECK_THROWS_WITH(load(folder / "model.safetensors", layer, {.names = of_layer}),
                    ContainsSubstring("3 unexpected") && ContainsSubstring("; LoadOptions::ignore_unexpected leaves"));
  load(folder / "model.safetensors", layer, {.names = of_layer, .ignore_unexpected = true});
  CHECK(bytes_in(layer) == bytes_in(second));
  CHECK_THROWS_WITH(load(folder / "model.safetensors", layer, {.names = [](const std::string&) { return "a"; }}),
                    ContainsSubstring("[load] each tensor must have a name of its own in the file, found 'a' twice"));
}

TEST_CASE("a value outside the range of the layer's type is refused before anything is written", "[safetensors]") {
  const ScratchFolder folder;
  auto wide = filled(dense_layer<double>(100, 90));
  wide.up_proj.data()[8999] = 1e39;
  wide.gate_proj.data()[0] = std::numeric_limits<double>::infinity();
  save(folder / "layer.safetensors", wide);
  auto single = filled(dense_layer<float>(100, 90), 1);
  const LayerBytes before = bytes_in(single);
  CHECK_THROWS_AS(load(folder / "layer.safetensors", single), BadFile);
  CHECK_THROWS_WITH(
      load(folder / "layer.safetensors", single),
      ContainsSubstring("'up_proj.weight' must have values of at most 3.4028234663852886e+38, since it is "
                        "read as float32, found 1e+39 at [89, 99]"));
  CHECK(bytes_in(single) == before);
  auto brain = filled(dense_layer<BFloat16>(100, 90), 1);
  wide.up_proj.data()[8999] = 3.4e38;
  save(folder / "layer.safetensors", wide);
  CHECK_THROWS_WITH(load(folder / "layer.safetensors", brain), ContainsSubstring("read as bfloat16, found 3.4e+38"));
  load(folder / "layer.safetensors", single);
  CHECK(std::isinf(single.gate_proj.data()[0]));
}

TEST_CASE("integer buffers keep their type", "[safetensors]") {
  const ScratchFolder folder;
  const Counter counter = filled(Counter());
  save(folder / "f.safetensors", counter, {.dtype = StoredDtype::bfloat16});
  Counter other;
  load(folder / "f.safetensors", other);
  CHECK(bytes_in(other).at("counts") == bytes_in(counter).at("counts"));
  const std::vector<std::int64_t> counts(4);
  const std::vector<float> weight(6);
  write_safetensors(folder / "f.safetensors",
                    std::vector<TensorView>{{"counts", "I64", {4}, std::as_bytes(std::span(counts))},
                                            {"weight", "F32", {2, 3}, std::as_bytes(std::span(weight))}});
  CHECK_THROWS_WITH(load(folder / "f.safetensors", other),
                    ContainsSubstring("1 of another dtype: 'counts' I64, the layer's is I32"));
}

TEST_CASE("a file cut at any byte is a bad file and leaves the layer unchanged", "[safetensors]") {
  const ScratchFolder folder;
  auto layer = filled(dense_layer<float>(2, 2));
  save(folder / "f.safetensors", layer);
  const std::string whole = get_bytes(folder / "f.safetensors");
  const LayerBytes before = bytes_in(layer);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put_bytes(folder / "f.safetensors", whole.substr(0, size));
    CHECK_THROWS_AS(load(folder / "f.safetensors", layer), BadFile);
  }
  CHECK(bytes_in(layer) == before);
}

TEST_CASE("a path may name a file, an index or a folder", "[safetensors]") {
  const ScratchFolder folder;
  const auto layer = filled(dense_layer<float>());
  save(folder / "model.safetensors", layer, {.max_shard_bytes = 130});
  for (const fs::path& path :
       {folder / "model.safetensors", folder / "model.safetensors.index.json", folder.path(), folder / ""}) {
    auto loaded = dense_layer<float>();
    load(path, loaded);
    CHECK(bytes_in(loaded) == bytes_in(layer));
  }
  auto loaded = dense_layer<float>();
  CHECK_THROWS_WITH(load(folder / "other.safetensors", loaded), ContainsSubstring("cannot be opened"));
  fs::create_directory(folder / "empty");
  CHECK_THROWS_WITH(load(folder / "empty", loaded), ContainsSubstring("found neither"));
}

TEST_CASE("links out of a folder of files are refused, and a file that is named may be a link", "[safetensors]") {
  const ScratchFolder folder;
  const auto layer = filled(dense_layer<float>());
  save(folder / "elsewhere.safetensors", layer);
  fs::create_directory(folder / "model");
  fs::create_symlink(folder / "elsewhere.safetensors", folder / "model/model.safetensors");
  auto loaded = dense_layer<float>();
  CHECK_THROWS_WITH(load(folder / "model", loaded), ContainsSubstring("must lie in its folder") &&
                                                        ContainsSubstring("; LoadOptions::allow_links follows it"));
  load(folder / "model", loaded, {.allow_links = true});
  CHECK(bytes_in(loaded) == bytes_in(layer));
  load(folder / "model/model.safetensors", loaded);
}

TEST_CASE("a layer whose weights were packed must be packed again", "[safetensors]") {
  const ScratchFolder folder;
  const CpuContext context;
  auto layer = filled(dense_layer<float>(32, 32));
  save(folder / "f.safetensors", filled(dense_layer<float>(32, 32), 1));
  const CpuContext packed = pack_weights(context, layer);
  const auto x_TD = Matrix<float, B>(4, 32);
  static_cast<void>(layer.infer(packed, x_TD, Batch::single(4)));
  load(folder / "f.safetensors", layer);
  CHECK_THROWS_WITH(layer.infer(packed, x_TD, Batch::single(4)), ContainsSubstring("changed since it was packed"));
  CHECK_NOTHROW(layer.infer(pack_weights(context, layer), x_TD, Batch::single(4)));
}

}  // namespace load_test
