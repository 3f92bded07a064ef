/// Layers that run from weights in the file: results are bitwise identical to those of loaded layers; errors.
#include "moe/weights_in_file.hpp"

#include <cstring>
#include <filesystem>
#include <memory>

#include "moe/safetensors/save.hpp"
#include "moe/train/pack_weights.hpp"
#include "safetensors/layers.hpp"
#include "support/catch.hpp"
#include "support/dropped_from_cache.hpp"
#include "support/scratch.hpp"

namespace weights_in_file_test {

using namespace moe;
using namespace moe::testing;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

using B = Cpu<>;
using Tensor = Matrix<float, B>;

Tensor rows_of_noise(Index rows, Index width) {
  Draw draw("rows", 3);
  Tensor x(rows, width);
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(draw.normal());
  return x;
}

/// Saves `layer` in BF16, loads it into one of `empty` and leaves it in the file for the other, and compares the
/// results of many rows, of one row, and of decoding.
template <class Layer>
void check_same_results(const Layer& layer, Layer loaded, Layer in_place) {
  const ScratchFolder folder;
  const fs::path file = folder / "layer.safetensors";
  save(file, layer, {.dtype = StoredDtype::bfloat16});
  const CpuContext context;
  load(context, file, loaded);
  const CpuContext from_file = load_in_place(context, file, in_place, {{}, 1});
  Index placed = 0;
  for_each_tensor([&](const auto& weight) { placed += from_file.packed->rows_of(weight.const_view()) != nullptr; },
                  in_place);
  CHECK(placed > 0);
  for (const Index rows : {1, 5, 40}) {
    const Tensor x_TD = rows_of_noise(rows, layer.width());
    const Batch batch = Batch::single(rows);
    CHECK(values_of(in_place.infer(from_file, x_TD, batch)) == values_of(loaded.infer(context, x_TD, batch)));
    CHECK(values_of(in_place.forward(from_file, x_TD, batch).output) ==
          values_of(loaded.forward(context, x_TD, batch).output));
  }
}

}  // namespace

TEST_CASE("a layer whose weights stay in the file gives the results of the loaded layer", "[safetensors]") {
  using Ffn = SwiGlu<float, B>;
  // Wider than a vector and a panel, and no multiple of either.
  const auto dense = [] { return dense_layer<float>(70, 83); };
  check_same_results(filled(dense()), dense(), dense());
  const auto hybrid = [] {
    return make_multipl<CausalMultiPlMoe<float, B, NormalizedFusion>>(
        {.width = 34, .hidden = 37, .token_experts = 3, .segment_experts = 2, .window = 4});
  };
  check_same_results(filled(hybrid()), hybrid(), hybrid());
  const auto qwen = [] {
    return Qwen15Moe<float, B>(TopK{.k = 2}, {}, {}, ExpertBank<Ffn>(4, 18, 21), SharedExpert<Ffn, SigmoidGate>(18, 3));
  };
  check_same_results(filled(qwen()), qwen(), qwen());
  const auto adapted = [] { return make_lora(Ffn(34, 37), 2, 3); };
  check_same_results(filled(adapted()), adapted(), adapted());
}

TEST_CASE("a layer runs from its file in three lines", "[safetensors]") {
  const ScratchFolder folder;
  const fs::path file = folder / "layer.safetensors";
  const auto make_layer = [] { return dense_layer<float>(300, 400); };
  auto loaded = make_layer();
  save(file, filled(make_layer()), {.dtype = StoredDtype::bfloat16});
  load(file, loaded);
  const Tensor x_TD = rows_of_noise(5, 300);
  // [in_place]
  auto in_place = make_layer();
  const moe::CpuContext from_file = moe::load_in_place(file, in_place);
  const auto y_TD = in_place.infer(from_file, x_TD, moe::Batch::single(5));
  // [/in_place]
  CHECK(from_file.packed->count() == 3);
  CHECK(values_of(y_TD) == values_of(loaded.infer(CpuContext(), x_TD, Batch::single(5))));
}

TEST_CASE("weights in the layer's own type are read in the file by any operation", "[safetensors]") {
  const ScratchFolder folder;
  const auto layer = filled(hybrid_layer<double>());
  save(folder / "layer.safetensors", layer);
  auto in_place = hybrid_layer<double>();
  const CpuContext context = load_in_place(folder / "layer.safetensors", in_place, {{}, 1});
  CHECK(bytes_in(in_place) == bytes_in(layer));
  Matrix<double, B> x_TD(5, 6);
  for (Index i = 0; i < x_TD.size(); ++i) x_TD.data()[i] = 0.1 * static_cast<double>(i % 7) - 0.3;
  CHECK(values_of(in_place.infer(context, x_TD, Batch::single(5))) ==
        values_of(layer.infer(CpuContext(), x_TD, Batch::single(5))));
}

TEST_CASE("a layer of bfloat16 runs from its file", "[safetensors]") {
  const ScratchFolder folder;
  const auto layer = filled(hybrid_layer<BFloat16>());
  save(folder / "layer.safetensors", layer);
  auto in_place = hybrid_layer<BFloat16>();
  const CpuContext context = load_in_place(folder / "layer.safetensors", in_place, {{}, 1});
  CHECK(bytes_in(in_place) == bytes_in(layer));
  Matrix<BFloat16, B> x_TD(5, 6);
  for (Index i = 0; i < x_TD.size(); ++i) x_TD.data()[i] = BFloat16(0.1f * static_cast<float>(i % 7) - 0.3f);
  const auto in_file = in_place.infer(context, x_TD, Batch::single(5)),
             in_memory = layer.infer(CpuContext(), x_TD, Batch::single(5));
  CHECK(std::memcmp(in_file.data(), in_memory.data(), sizeof(BFloat16) * 5 * 6) == 0);
}

TEST_CASE("a layer may move, and its context may outlive it", "[safetensors]") {
  const ScratchFolder folder;
  save(folder / "layer.safetensors", filled(dense_layer<float>(20, 30)), {.dtype = StoredDtype::bfloat16});
  auto loaded = dense_layer<float>(20, 30);
  load(folder / "layer.safetensors", loaded);
  const Tensor x_TD = rows_of_noise(3, 20);
  auto layer = std::make_unique<SwiGlu<float, B>>(dense_layer<float>(20, 30));
  const CpuContext context = load_in_place(folder / "layer.safetensors", *layer, {{}, 1});
  fs::remove(folder / "layer.safetensors");
  const SwiGlu<float, B> moved = std::move(*layer);
  layer.reset();
  CHECK(values_of(moved.infer(context, x_TD, Batch::single(3))) ==
        values_of(loaded.infer(CpuContext(), x_TD, Batch::single(3))));
  // The addresses of weights that no longer exist belong to no other weight as long as the context lives.
  const void* address = nullptr;
  CpuContext kept;
  {
    save(folder / "layer.safetensors", loaded, {.dtype = StoredDtype::bfloat16});
    auto gone = dense_layer<float>(20, 30);
    kept = load_in_place(folder / "layer.safetensors", gone, {{}, 1});
    address = gone.gate_proj.data();
  }
  const io::ReservedAddresses next(20 * 30 * sizeof(float));
  CHECK(next.start() != address);
}

TEST_CASE("weights in several files, and a small or another dtype's weight", "[safetensors]") {
  const ScratchFolder folder;
  const auto layer = filled(dense_layer<float>(20, 30));
  save(folder / "parts.safetensors", layer, {.dtype = StoredDtype::bfloat16, .max_shard_bytes = 1300});
  auto loaded = dense_layer<float>(20, 30), in_place = dense_layer<float>(20, 30);
  load(folder / "parts.safetensors", loaded);
  const CpuContext context = load_in_place(folder / "parts.safetensors", in_place, {{}, 1});
  const Tensor x_TD = rows_of_noise(3, 20);
  CHECK(values_of(in_place.infer(context, x_TD, Batch::single(3))) ==
        values_of(loaded.infer(CpuContext(), x_TD, Batch::single(3))));

  // 600 values are fewer than the default's 65,536.
  auto small = dense_layer<float>(20, 30);
  const CpuContext all_loaded = load_in_place(folder / "parts.safetensors", small);
  CHECK(bytes_in(small) == bytes_in(loaded));
  CHECK(all_loaded.packed->count() == 0);

  save(folder / "half.safetensors", layer, {.dtype = StoredDtype::float16});
  auto half = dense_layer<float>(20, 30), half_loaded = dense_layer<float>(20, 30);
  load(folder / "half.safetensors", half_loaded);
  CHECK(load_in_place(folder / "half.safetensors", half, {{}, 1}).packed->count() == 0);
  CHECK(bytes_in(half) == bytes_in(half_loaded));
}

TEST_CASE("weights in a file have neither a backward nor values to pack", "[safetensors]") {
  const ScratchFolder folder;
  save(folder / "layer.safetensors", filled(dense_layer<float>(20, 30)), {.dtype = StoredDtype::bfloat16});
  auto layer = dense_layer<float>(20, 30);
  const CpuContext context = load_in_place(folder / "layer.safetensors", layer, {{}, 1});
  const Tensor x_TD = rows_of_noise(3, 20);
  auto run = layer.forward(context, x_TD, Batch::single(3));
  auto gradient = layer.empty_tree();
  CHECK_THROWS_WITH(layer.backward(context, x_TD, {}, std::move(run.saved), gradient),
                    ContainsSubstring("stays in its file and has no backward; load the layer"));
  CHECK_THROWS_WITH(pack_weights(context, layer),
                    ContainsSubstring("the context must have no weights that stay in a file, found some"));
  auto other = dense_layer<float>(20, 30);
  CHECK_THROWS_WITH(load_in_place(context, folder / "layer.safetensors", other, {{}, 1}),
                    ContainsSubstring("the context must have no weights yet, found one with 3 packed or from files"));
  Tensor y_TF(3, 10);
  CHECK_THROWS_WITH(
      B::row_products<float>(context, x_TD.const_view(), layer.gate_proj.const_view().rows_between(0, 10), y_TF.view()),
      ContainsSubstring("must be multiplied as a whole, got a part of 10 x 20"));
}

TEST_CASE("a file that does not fit a layer leaves the layer unchanged", "[safetensors]") {
  const ScratchFolder folder;
  save(folder / "layer.safetensors", filled(dense_layer<float>(20, 30)), {.dtype = StoredDtype::bfloat16});
  auto other = filled(dense_layer<float>(20, 31));
  const LayerBytes before = bytes_in(other);
  CHECK_THROWS_AS(load_in_place(folder / "layer.safetensors", other, {{}, 1}), TensorMismatch);
  CHECK(bytes_in(other) == before);
  CHECK_THROWS_AS(load_in_place(folder / "none.safetensors", other), BadFile);

  const io::TensorFolder files = io::TensorFolder::open_file(folder / "layer.safetensors");
  WeightsInFile weights(files);
  Matrix<float, B> larger(30, 21);
  CHECK_THROWS_WITH(weights.place(larger, "gate_proj.weight"),
                    ContainsSubstring("has 600 elements, requested: 630 from 0 on"));
  Matrix<float, B> lower(10, 20);
  weights.place(lower, "gate_proj.weight", 400);
  Matrix<float, B> whole(30, 20);
  files.read_floats("gate_proj.weight", {whole.data(), 600});
  const Tensor x_TD = rows_of_noise(3, 20);
  Tensor part_TO(3, 10), all_TO(3, 30);
  B::row_products<float>(weights.context(CpuContext()), x_TD.const_view(), lower.const_view(), part_TO.view());
  B::row_products<float>(CpuContext(), x_TD.const_view(), whole.const_view(), all_TO.view());
  CHECK(values_of(part_TO) == values_of(all_TO.const_view().cols_between(20, 30)));
  Matrix<double, B> wide(30, 20);
  CHECK_FALSE(WeightsInFile::fits<double>(files, "gate_proj.weight"));
  CHECK_THROWS_WITH(weights.place(wide, "gate_proj.weight"),
                    ContainsSubstring("must be F64 at a multiple of its bytes per value, found BF16"));
}

TEST_CASE("a mapped file is read ahead and counted", "[safetensors]") {
  const ScratchFolder folder;
  save(folder / "layer.safetensors", filled(dense_layer<float>(100, 300)), {.dtype = StoredDtype::bfloat16});
  const io::FileMapping mapping = io::FileMapping::map(io::InputFile::open(folder / "layer.safetensors"));
  CHECK(mapping.bytes().size() == fs::file_size(folder / "layer.safetensors"));
  if (dropped_from_cache(folder / "layer.safetensors"))
    CHECK(mapping.resident_bytes() == 0);
  else
    WARN("the file system keeps its files in memory: reading ahead is not tested");
  mapping.read_ahead(10, mapping.bytes().size() * 2);
  CHECK(mapping.resident_bytes() >= mapping.bytes().size());
  mapping.read_ahead(mapping.bytes().size() + 5, 10);
}

}  // namespace weights_in_file_test
