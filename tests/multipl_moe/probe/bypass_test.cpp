#include "multipl_moe/probe/bypass.hpp"

#include <nlohmann/json.hpp>

#include "../train/tiny_run.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace bypass_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

namespace {

ModelConfig mixture_config(const std::string& architecture) {
  ModelConfig config = tiny_config();
  config.num_hidden_layers = 2;
  config.moe = mixture_named(architecture, config.intermediate_size);
  return config;
}

}  // namespace

TEST_CASE("the gate of the shared expert is that of its router, by layer and language", "[probe]") {
  const TinyRun run;
  const auto all = open_language_files(run.scratch / "data", "test", ByteTokenizer().hash());
  LanguageFiles files;
  for (const Language language : {Language::rust, Language::ruby}) files[index_of(language)] = all[index_of(language)];
  const auto model = make_language_model(mixture_config("multipl-moe"), 1);
  model->initialize(5, 0.3);
  // Two of six experts with equal logits have half of the weight each.
  for (const TensorRef& tensor : model->tensors())
    if (tensor.name == "model.layers.1.mlp.token.gate.weight")
      std::fill(tensor.floats().begin(), tensor.floats().end(), 0.0f);
  const TraceOptions options{.sequences = 2, .length = 32, .tokens = 64};
  probe::BypassReport report{.expert = probe::shared_expert_of(model->config()), .points = {}};
  CHECK(report.expert == 0);
  report.points.push_back({std::nullopt, trace_routing(*model, files, options)});
  const probe::BypassPoint& point = report.points.front();
  for (const Language language : {Language::rust, Language::ruby}) {
    CHECK(report.gate(point, 1, language) == Approx(0.5));
    CHECK(report.gate(point, 0, language) != Approx(0.5));
    CHECK(report.gate(point, 0, language) > 0);
    CHECK(report.mean_gate(point, language) == Approx((report.gate(point, 0, language) + 0.5) / 2));
  }
  CHECK_THAT(probe::bypass_csv(report),
             ContainsSubstring("step,layer,language,mean_gate\n,0,rust,") && ContainsSubstring("\n,1,ruby,0.5\n"));
  CHECK_THAT(probe::bypass_page(report, "m"), ContainsSubstring("| 1 | 0.5000 | 0.5000 |"));

  report.points.front().step = 3;
  report.points.push_back({7, report.points.front().routing});
  CHECK_THAT(probe::bypass_csv(report), ContainsSubstring("\n3,1,rust,0.5\n") && ContainsSubstring("\n7,1,rust,0.5\n"));
  CHECK_THAT(probe::bypass_page(report, "m"),
             ContainsSubstring("Mean over layers, by step") && ContainsSubstring("At the last step"));
  const auto json = nlohmann::json::parse(probe::bypass_json(report));
  CHECK(json["points"][1]["step"] == 7);
  CHECK(json["points"][1]["layers"]["rust"].size() == 2);
}

TEST_CASE("a model without a shared expert that a router weighs is refused", "[probe]") {
  for (const char* architecture : {"dense", "lora", "mole", "mixtral", "qwen1.5-moe"}) {
    INFO(architecture);
    try {
      probe::shared_expert_of(mixture_config(architecture));
      FAIL("not refused");
    } catch (const UsageError& error) {
      CHECK_THAT(error.what(), ContainsSubstring("must have a shared expert among its token experts"));
    }
  }
  ModelConfig config = mixture_config("multipl-moe-without-segments");
  config.moe->shared_expert_index = 2;
  CHECK(probe::shared_expert_of(config) == 2);
}

}  // namespace bypass_test
