#include "multipl_moe/probe/lesion.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "../train/tiny_run.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/probe/lesion_report.hpp"
#include "support/catch.hpp"

namespace lesion_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
using probe::ExpertKind;

namespace {

ModelConfig mixture_config(const std::string& architecture) {
  ModelConfig config = tiny_config();
  config.num_hidden_layers = 2;
  config.moe = mixture_named(architecture, config.intermediate_size);
  if (config.moe && config.moe->num_segment_experts > 0) config.moe->segment_window = 8;
  return config;
}

/// Rust and Ruby of the test corpus, and a mixture of random weights.
struct Measured {
  TinyRun run;
  LanguageFiles files;
  std::unique_ptr<LanguageModel> model;
  explicit Measured(const std::string& architecture) : model(make_language_model(mixture_config(architecture), 1)) {
    model->initialize(5, 0.3);
    const auto all = open_language_files(run.scratch / "data", "test", ByteTokenizer().hash());
    for (const Language language : {Language::rust, Language::ruby})
      files[index_of(language)] = all[index_of(language)];
  }
  std::vector<float> weights() const {
    std::vector<float> values;
    for (const TensorRef& tensor : model->tensors())
      values.insert(values.end(), tensor.floats().begin(), tensor.floats().end());
    return values;
  }
  probe::LesionReport measure(std::vector<probe::Lesion> lesions) const {
    return probe::measure_lesions(*model, files, {.sequences = 2, .length = 32, .max_sequences = 3}, std::move(lesions),
                                  [](std::size_t) {});
  }
};

}  // namespace

TEST_CASE("every kind of experts and every expert of the wanted layers is removed once", "[probe]") {
  const auto count = [](const std::vector<probe::Lesion>& lesions, ExpertKind kind, bool is_single) {
    return std::count_if(lesions.begin(), lesions.end(), [&](const probe::Lesion& lesion) {
      return lesion.kind == kind && lesion.expert.has_value() == is_single;
    });
  };
  const ModelConfig paper = mixture_config("multipl-moe");
  const auto all = probe::lesions_of(paper, {}, false);
  CHECK(all.size() == 3 + 2 * 12);
  CHECK(count(all, ExpertKind::shared, true) == 2);
  CHECK(count(all, ExpertKind::token, true) == 2 * 5);
  CHECK(count(all, ExpertKind::segment, true) == 2 * 6);
  for (const probe::Lesion& lesion : all)
    CHECK(std::ssize(lesion.tensors) == (lesion.expert                       ? 1
                                         : lesion.kind == ExpertKind::shared ? 2
                                         : lesion.kind == ExpertKind::token  ? 10
                                                                             : 12));
  CHECK(probe::lesions_of(paper, {1}, false).size() == 3 + 12);
  CHECK(probe::lesions_of(paper, {}, true).size() == 3);
  CHECK(probe::lesions_of(mixture_config("mixtral"), {}, true).size() == 1);
  const auto qwen = probe::lesions_of(mixture_config("qwen1.5-moe"), {}, false);
  CHECK(count(qwen, ExpertKind::shared, true) == 2);
  CHECK(count(qwen, ExpertKind::token, true) == 2 * 60);
  const std::int64_t matrix = paper.hidden_size * paper.intermediate_size * 4;
  CHECK(probe::bytes_of_largest(paper, all, ModelDtype::float32) == 12 * matrix);
  CHECK(probe::bytes_of_largest(paper, all, ModelDtype::bfloat16) == 6 * matrix);
}

TEST_CASE("models without experts and layers without them are refused", "[probe]") {
  const auto refused = [](const ModelConfig& config, const std::vector<std::int64_t>& layers, const char* text) {
    try {
      probe::lesions_of(config, layers, false);
      FAIL("not refused");
    } catch (const UsageError& error) {
      CHECK_THAT(error.what(), ContainsSubstring(text));
    }
  };
  refused(mixture_config("dense"), {}, "must have experts, found a dense model");
  refused(mixture_config("lora"), {}, "architecture lora, which has adapters");
  refused(mixture_config("mole"), {}, "architecture mole, which has adapters");
  refused(mixture_config("mixtral"), {0, 2}, "of 0 to 1, found 2");
}

TEST_CASE("a lesion costs what the experts give, and the weights are restored", "[probe]") {
  const Measured measured("causal-multipl-moe");
  const std::vector<float> before = measured.weights();
  // Without all experts a layer gives 0, as one whose every output is.
  std::vector<probe::Lesion> lesions = probe::lesions_of(measured.model->config(), {1}, false);
  probe::Lesion everything{.kind = ExpertKind::token, .expert = {}, .tensors = {}};
  for (std::size_t kind = 0; kind < 3; ++kind)
    everything.tensors.insert(everything.tensors.end(), lesions[kind].tensors.begin(), lesions[kind].tensors.end());
  lesions.push_back(everything);
  const probe::LesionReport report = measured.measure(lesions);
  CHECK(measured.weights() == before);
  REQUIRE(report.lesions.size() == lesions.size());
  CHECK(report.is_causal);
  for (const Language language : {Language::rust, Language::ruby})
    for (const probe::LesionScores& scores : report.lesions)
      if (!scores.lesion.expert) CHECK(report.cost(scores, language) != 0);
  CHECK_FALSE(report.intact[index_of(Language::python)]);

  for (const TensorRef& tensor : measured.model->tensors())
    if (probe::expert_of_output(tensor.name)) std::fill(tensor.floats().begin(), tensor.floats().end(), 0.0f);
  const probe::LesionReport without = measured.measure({});
  for (const Language language : {Language::rust, Language::ruby})
    CHECK(report.lesions.back().scores[index_of(language)]->loss == without.intact[index_of(language)]->loss);
}

TEST_CASE("an expert that no row selects costs nothing", "[probe]") {
  const Measured measured("mixtral");
  // Equal logits choose the experts of the lowest numbers.
  for (const TensorRef& tensor : measured.model->tensors())
    if (tensor.name.ends_with("mlp.gate.weight")) std::fill(tensor.floats().begin(), tensor.floats().end(), 0.0f);
  const probe::LesionReport report = measured.measure(probe::lesions_of(measured.model->config(), {}, false));
  for (const probe::LesionScores& scores : report.lesions) {
    if (!scores.lesion.expert) continue;
    const bool is_selected = scores.lesion.expert->expert < 2;
    INFO(scores.lesion.expert->expert);
    CHECK(report.share(*scores.lesion.expert, Language::rust) == (is_selected ? 1 : 0));
    CHECK((report.cost(scores, Language::rust) != 0) == is_selected);
  }
  CHECK(std::isfinite(report.share_and_cost(Language::ruby)));
}

TEST_CASE("the tables have a line for each lesion and language", "[probe]") {
  const Measured measured("multipl-moe");
  const probe::LesionReport report = measured.measure(probe::lesions_of(measured.model->config(), {0}, false));
  const auto lines = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n'); };
  CHECK(lines(probe::lesion_csv(report)) == 1 + 2 + 2 * (3 + 12));
  CHECK(lines(probe::lesion_matrix_csv(report)) == 1 + 12);
  CHECK_THAT(probe::lesion_matrix_csv(report), ContainsSubstring("kind,layer,expert,rust,ruby\nshared,0,0,"));
  CHECK_THAT(probe::lesion_csv(report), ContainsSubstring("\nnone,,,rust,") && ContainsSubstring("\nsegment,,,ruby,"));
  const auto json = nlohmann::json::parse(probe::lesion_json(report));
  CHECK(json["lesions"].size() == 3 + 12);
  CHECK(json["lesions"][3]["share"]["rust"] == 1);  // the shared expert
  CHECK_THAT(probe::lesion_page(report, "m"), ContainsSubstring("| all segment experts: bits per byte more |") &&
                                                  ContainsSubstring("no scores of a language model") &&
                                                  ContainsSubstring("rank correlation"));
  const probe::LesionReport kinds = measured.measure(probe::lesions_of(measured.model->config(), {}, true));
  CHECK(probe::lesion_matrix_csv(kinds).empty());
  CHECK(probe::lesion_page(kinds, "m").find("alone") == std::string::npos);
}

TEST_CASE("a shared expert beside the others has a cost and no share", "[probe]") {
  const Measured measured("qwen1.5-moe");
  auto lesions = probe::lesions_of(measured.model->config(), {0}, false);
  std::erase_if(lesions, [](const probe::Lesion& lesion) { return lesion.kind != ExpertKind::shared; });
  REQUIRE(lesions.size() == 2);
  const probe::LesionReport report = measured.measure(lesions);
  CHECK(report.cost(report.lesions[1], Language::rust) != 0);
  CHECK_FALSE(report.share(*report.lesions[1].lesion.expert, Language::rust));
  CHECK(probe::lesion_csv(report).ends_with(",\n"));
}

}  // namespace lesion_test
