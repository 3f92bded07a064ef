#include "multipl_moe/io/tensor_names.hpp"

#include "support/catch.hpp"

namespace tensor_names_test {

using namespace multipl_moe;

namespace {

using Shape = std::vector<std::int64_t>;

void check_part(const StoredPart& part, const std::string& name, const Shape& shape, std::uint64_t first) {
  CHECK(part.name == name);
  CHECK(part.shape == shape);
  CHECK(part.first == first);
}

}  // namespace

TEST_CASE("an expert's weight is its own tensor, or a part of the tensor of all experts") {
  const std::string prefix = "model.layers.3.mlp.experts.";
  const auto up = stored_parts(prefix + "2.up_proj.weight", Shape{5, 7}, 4);
  REQUIRE(up.size() == 3);
  check_part(up[0], prefix + "2.up_proj.weight", {5, 7}, 0);
  check_part(up[1], "model.layers.3.block_sparse_moe.experts.2.w3.weight", {5, 7}, 0);
  check_part(up[2], prefix + "gate_up_proj", {4, 10, 7}, (2 * 10 + 5) * 7);
  check_part(stored_parts(prefix + "2.gate_proj.weight", Shape{5, 7}, 4)[2], prefix + "gate_up_proj", {4, 10, 7},
             2 * 10 * 7);
  check_part(stored_parts(prefix + "3.down_proj.weight", Shape{7, 5}, 4)[2], prefix + "down_proj", {4, 7, 5}, 3 * 35);
}

TEST_CASE("Mixtral has its own tensor names") {
  CHECK(mixtral_name("model.layers.0.mlp.gate.weight") == "model.layers.0.block_sparse_moe.gate.weight");
  CHECK(mixtral_name("model.layers.10.mlp.experts.11.gate_proj.weight") ==
        "model.layers.10.block_sparse_moe.experts.11.w1.weight");
  CHECK(mixtral_name("model.layers.0.mlp.experts.0.down_proj.weight") ==
        "model.layers.0.block_sparse_moe.experts.0.w2.weight");
}

TEST_CASE("every other weight has one name") {
  for (const char* name :
       {"model.embed_tokens.weight", "model.layers.0.mlp.gate_proj.weight",
        "model.layers.0.mlp.shared_expert.up_proj.weight", "model.layers.0.mlp.token.experts.1.up_proj.weight",
        "model.layers.0.mlp.experts.x.up_proj.weight", "model.layers.0.mlp.experts.1.weight",
        "model.layers.0.mlp.experts.1.bias", "model.layers.0.mlp.experts.1"}) {
    INFO(name);
    CHECK(mixtral_name(name) == name);
    CHECK(stored_parts(name, Shape{5, 7}, 4).size() == 1);
  }
}

}  // namespace tensor_names_test
