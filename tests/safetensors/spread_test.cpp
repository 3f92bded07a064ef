/// Layers whose experts live on several ranks: each rank saves and loads its part.
#include "moe/experts/place.hpp"

#include <set>
#include <stdexcept>

#include "moe/comm/ranks_over.hpp"
#include "moe/safetensors/load.hpp"
#include "moe/safetensors/save.hpp"
#include "safetensors/layers.hpp"
#include "support/catch.hpp"
#include "support/scratch.hpp"
#include "support/thread_comm.hpp"

namespace spread_test {

using namespace moe;
using namespace moe::testing;

TEST_CASE("a rank saves the weights that it has, and reads its part of a file of all", "[safetensors][scale]") {
  const ScratchFolder scratch;
  const auto whole = filled(hybrid_layer<float>());
  const auto all = bytes_in(whole);
  save(scratch / "all.safetensors", whole);

  std::vector<LayerBytes> loaded(2);
  std::vector<std::set<std::string>> saved(2);
  CHECK_NOTHROW(run_ranks(2, [&](ThreadComm comm) {
    const auto ranks = ranks_over<Cpu<>>(std::move(comm));
    const auto rank = static_cast<std::size_t>(ranks->rank());
    auto layer = filled(hybrid_layer<float>(), 5);
    place(layer, *ranks, Placement::blocks(count_experts(layer), 2));
    load(scratch / "all.safetensors", layer);
    loaded[rank] = bytes_in(layer);
    const auto own = scratch / ("rank-" + std::to_string(rank) + ".safetensors");
    save(own, layer);
    const auto file = io::TensorFolder::open_file(own);
    for (const auto& [name, entry] : file.tensors()) saved[rank].insert(name);
    // What a rank has saved alone is enough for it.
    auto again = filled(hybrid_layer<float>(), 6);
    place(again, *ranks, Placement::blocks(count_experts(again), 2));
    load(own, again);
    if (bytes_in(again) != loaded[rank]) throw std::runtime_error("another layer was read");
  }));
  for (const auto& [name, bytes] : all) {
    INFO(name);
    const bool is_expert = name.find("experts.") != std::string::npos;
    int owners = 0;
    for (std::size_t rank = 0; rank < 2; ++rank) {
      const bool is_here = !loaded[rank].at(name).empty() || bytes.empty();
      CHECK((saved[rank].count(name) == 1) == is_here);
      if (is_here) CHECK(loaded[rank].at(name) == bytes);
      owners += is_here;
    }
    CHECK(owners == (is_expert ? 1 : 2));
  }
}

}  // namespace spread_test
