#include "multipl_moe/io/stored_model.hpp"

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "../support/stderr_capture.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "support/catch.hpp"

namespace stored_model_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using Json = nlohmann::json;

namespace {

/// A Mixtral with two experts, as transformers' modules store it: width 4, expert width 3.
Json config() {
  return {{"model_type", "mixtral"}, {"hidden_size", 4},         {"intermediate_size", 3},
          {"num_hidden_layers", 1},  {"num_attention_heads", 2}, {"num_key_value_heads", 1},
          {"vocab_size", 5},         {"num_local_experts", 2},   {"num_experts_per_tok", 1}};
}

using Tensors = std::vector<PlannedTensor>;

Tensors fused() {
  return {{"model.embed_tokens.weight", "F32", {5, 4}},
          {"model.layers.0.mlp.experts.gate_up_proj", "F32", {2, 6, 4}},
          {"model.layers.0.mlp.experts.down_proj", "F32", {2, 4, 3}},
          {"model.layers.0.mlp.gate.weight", "F32", {2, 4}}};
}

/// Writes the tensors, with values that count up from 0 in each.
void put(const ScratchFolder& folder, const Json& json, const Tensors& tensors, std::uint64_t limit = 1000) {
  put_bytes(folder / "config.json", json.dump());
  ShardedWriter writer(folder.path(), "model", tensors, limit);
  for (const PlannedTensor& tensor : writer.order()) {
    std::int64_t count = 1;
    for (const std::int64_t size : tensor.shape) count *= size;
    for (std::int64_t i = 0; i < count; ++i) {
      const auto value = static_cast<float>(i);
      writer.write_floats(std::span(&value, 1));
    }
  }
  writer.finish();
}

std::vector<float> read(const StoredModel& model, const std::string& name, const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  std::vector<float> values(static_cast<std::size_t>(count));
  model.read_floats(name, shape, 0, values);
  return values;
}

const std::string experts = "model.layers.0.mlp.experts.";

}  // namespace

TEST_CASE("an expert is read from the tensor that holds all experts") {
  const ScratchFolder folder;
  put(folder, config(), fused());
  const StoredModel model = StoredModel::open(folder.path());
  CHECK(read(model, experts + "0.gate_proj.weight", {3, 4}).front() == 0);
  CHECK(read(model, experts + "0.up_proj.weight", {3, 4}).front() == 12);
  CHECK(read(model, experts + "1.gate_proj.weight", {3, 4}).front() == 24);
  CHECK(read(model, experts + "1.up_proj.weight", {3, 4}).back() == 47);
  CHECK(read(model, experts + "1.down_proj.weight", {4, 3}).front() == 12);
  std::vector<float> part(2);
  model.read_floats(experts + "1.down_proj.weight", std::vector<std::int64_t>{4, 3}, 10, part);
  CHECK(part == std::vector<float>{22, 23});
  CHECK_THROWS_AS(model.read_floats(experts + "1.down_proj.weight", std::vector<std::int64_t>{4, 3}, 11, part),
                  Failure);
  CHECK_THROWS_WITH(read(model, "model.norm.weight", {4}),
                    ContainsSubstring("must hold the tensor 'model.norm.weight', found 4 others"));
  CHECK_THROWS_WITH(read(model, experts + "0.up_proj.weight", {2, 4}),
                    ContainsSubstring("must have the shape [2, 4, 4] that config.json gives, found [2, 6, 4]"));
}

TEST_CASE("a tied weight is read from the embedding, with or without an equal head, or from the head alone") {
  const ScratchFolder folder;
  Json json = config();
  json["tie_word_embeddings"] = true;
  const Tensors wanted{{"model.embed_tokens.weight", "F32", {5, 4}},
                       {experts + "0.up_proj.weight", "F32", {3, 4}},
                       {experts + "0.down_proj.weight", "F32", {4, 3}},
                       {"model.layers.0.mlp.gate.weight", "F32", {2, 4}}};
  Tensors both = fused(), head_alone = fused();
  // With another dtype the values are compared.
  both.push_back({"lm_head.weight", "BF16", {5, 4}});
  head_alone.front().name = "lm_head.weight";
  for (const Tensors& tensors : {fused(), both, head_alone}) {
    put(folder, json, tensors);
    const StderrCapture capture;
    const StoredModel model = StoredModel::open(folder.path());
    CHECK(model.config().tie_word_embeddings);
    CHECK(read_config_of_files(folder.path()).tie_word_embeddings);
    CHECK(read(model, "model.embed_tokens.weight", {5, 4}).back() == 19);
    CHECK(read(model, "lm_head.weight", {5, 4}).back() == 19);
    CHECK(embedding_dtype(model.tensors()) == "F32");
    CHECK_NOTHROW(model.require_exactly(wanted));
    CHECK(capture.text().empty());
  }
  put(folder, json, Tensors{{"model.layers.0.mlp.gate.weight", "F32", {100, 4}}});
  CHECK_THROWS_WITH(read(StoredModel::open(folder.path()), "model.embed_tokens.weight", {5, 4}),
                    ContainsSubstring("must hold the tensor 'model.embed_tokens.weight'"));
}

TEST_CASE("a stored head that differs from the embedding is kept, even if config.json ties them") {
  const ScratchFolder folder;
  Json json = config();
  json["tie_word_embeddings"] = true;
  Tensors tensors = fused();
  tensors.push_back({"lm_head.weight", "F32", {5, 4}});
  put(folder, json, tensors);
  // Changes one bit of the last value.
  const auto entry = SafetensorsFile::open(folder / "model.safetensors").entry("lm_head.weight");
  std::string bytes = get_bytes(folder / "model.safetensors");
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  char& last = bytes[8 + header + entry.end - 4];
  last = static_cast<char>(last ^ 1);
  put_bytes(folder / "model.safetensors", bytes);
  {
    const StderrCapture capture;
    const StoredModel model = StoredModel::open(folder.path());
    CHECK_FALSE(model.config().tie_word_embeddings);
    CHECK_FALSE(read_config_of_files(folder.path()).tie_word_embeddings);
    CHECK(read(model, "model.embed_tokens.weight", {5, 4}).back() == 19);
    CHECK(read(model, "lm_head.weight", {5, 4}).back() == std::nextafter(19.0f, 20.0f));
    CHECK_THAT(capture.text(), ContainsSubstring("note: ") && ContainsSubstring("tie_word_embeddings") &&
                                   ContainsSubstring("lm_head.weight") && ContainsSubstring("both are kept"));
  }
  // A head of another shape also differs, and does not fit the model.
  tensors.back().shape = {1};
  put(folder, json, tensors);
  const StderrCapture capture;
  CHECK_THROWS_WITH(read(StoredModel::open(folder.path()), "lm_head.weight", {5, 4}),
                    ContainsSubstring("must have the shape [5, 4] that config.json gives, found [1]"));
}

TEST_CASE("tensors that are not used are refused, except redundant ones") {
  const ScratchFolder folder;
  const Tensors wanted{{"model.embed_tokens.weight", "F32", {5, 4}}};
  Tensors stored = wanted;
  stored.push_back({"model.layers.0.self_attn.rotary_emb.inv_freq", "F32", {1}});
  put(folder, config(), stored);
  CHECK_NOTHROW(StoredModel::open(folder.path()).require_exactly(wanted));
  stored.push_back({"stranger", "F32", {1}});
  put(folder, config(), stored);
  CHECK_THROWS_WITH(StoredModel::open(folder.path()).require_exactly(wanted),
                    ContainsSubstring("has a tensor that the model of config.json does not have: stranger"));
}

TEST_CASE("a shared expert of width 0 has no weights, and a stored one is not dropped") {
  const ScratchFolder folder;
  const Json empty{{"model_type", "qwen2_moe"}, {"hidden_size", 4},
                   {"intermediate_size", 3},    {"num_hidden_layers", 1},
                   {"num_attention_heads", 2},  {"num_key_value_heads", 1},
                   {"vocab_size", 5},           {"num_experts", 2},
                   {"num_experts_per_tok", 1},  {"moe_intermediate_size", 3},
                   {"norm_topk_prob", true},    {"shared_expert_intermediate_size", 0}};
  const Tensors wanted{{"model.embed_tokens.weight", "F32", {5, 4}}};
  Tensors stored = wanted;
  stored.push_back({"model.layers.0.mlp.shared_expert_gate.weight", "F32", {1, 4}});
  put(folder, empty, stored);
  CHECK_NOTHROW(StoredModel::open(folder.path()).require_exactly(wanted));
  stored.push_back({"model.layers.0.mlp.shared_expert.up_proj.weight", "F32", {6, 4}});
  put(folder, empty, stored);
  CHECK_THROWS_WITH(StoredModel::open(folder.path()).require_exactly(wanted),
                    ContainsSubstring("has a tensor that the model of config.json does not have: "
                                      "model.layers.0.mlp.shared_expert.up_proj.weight"));
}

TEST_CASE("a small sharded model with any file truncated at any byte is a bad file") {
  const ScratchFolder folder;
  put(folder, config(), fused(), 100);
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    const std::string whole = get_bytes(entry.path());
    for (std::size_t size = 0; size < whole.size(); ++size) {
      put_bytes(entry.path(), whole.substr(0, size));
      INFO(entry.path().filename() << " cut to " << size << " bytes");
      try {
        StoredModel::open(folder.path());
        // The index ends in a newline.
        CHECK(whole.substr(size) == "\n");
      } catch (const BadFile& error) {
        CHECK(exit_code_of(error) == 3);
      }
    }
    put_bytes(entry.path(), whole);
  }
}

}  // namespace stored_model_test
