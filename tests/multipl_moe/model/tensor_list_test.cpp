#include "multipl_moe/model/tensor_list.hpp"

#include "multipl_moe/model/language_model.hpp"
#include "support/catch.hpp"

namespace tensor_list_test {

using namespace multipl_moe;

TEST_CASE("list_tensors gives the tensors of a model without making it") {
  for (const char* architecture : {"dense", "causal-multipl-moe", "qwen1.5-moe", "mixtral", "lora", "mole"})
    for (const bool has_biases : {true, false}) {
      INFO(architecture << " " << has_biases);
      ModelConfig config = size_named("demo");
      config.hidden_size = 16;
      config.intermediate_size = 24;
      config.attention_bias = has_biases;
      config.moe = mixture_named(architecture, config.intermediate_size);
      config.qk_norm = !has_biases;
      if (config.moe && !config.moe->is_adapted()) config.dense_layers = {0};
      const auto list = planned(list_tensors(config), "BF16");
      const auto model = make_language_model(config, 1);
      const auto slots = model->tensors();
      REQUIRE(list.size() == slots.size());
      for (std::size_t i = 0; i < list.size(); ++i) {
        CHECK(list[i].name == slots[i].name);
        CHECK(list[i].shape == slots[i].shape);
        CHECK(list[i].dtype == (slots[i].is_buffer ? "F32" : "BF16"));
        if (!has_biases) CHECK(list[i].name.find("bias") == std::string::npos);
      }
    }
}

}  // namespace tensor_list_test
