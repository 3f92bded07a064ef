#include "moe/runtime/registry.hpp"

#include "compiled_layers/compiled_layers.hpp"
#include "moe/backend/cpu/cpu.hpp"
#include "moe/experts/mlp.hpp"
#include "scale/toy_tree.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace registry_test {

using namespace moe;
using namespace moe::testing;

namespace {

using Any = AnyLayer<double, Cpu<>>;
const Registry<double, Cpu<>> registry;
const CpuContext context{.threads = 2};
constexpr MultiPlSettings small{.width = 6,
                                .hidden = 5,
                                .token_experts = 3,
                                .segment_experts = 3,
                                .k = 2,
                                .shared = 1,
                                .window = 4,
                                .minimum_window = 2,
                                .boundary = 0,
                                .cap = 2};
const std::vector<std::int32_t> tokens = {1, 2, 0, 1, 1, 1, 0, 0, 2, 2, 2, 2, 2};

const std::vector<std::int32_t> languages = {-1, 0, 0, 1, 1, 1, 0, 0, 2, -1, 1, 0, 1};

Batch batch_of_two() {
  Batch batch = Batch::ragged({8, 5});
  batch.tokens = tokens;
  batch.languages = languages;
  batch.random = {.seed = 4, .step = 2};
  return batch;
}

Any made(const std::string& architecture, const std::string& router = {}, const std::string& segmenter = {},
         const std::string& fusion = {}) {
  return registry.make({architecture, router, segmenter, fusion, small, 7});
}

/// All results of a training step and an inference.
template <class Layer>
std::vector<double> step_of(const Layer& layer, const Tensor& x_TD, const Tensor& c_TD) {
  Layer gradient = gradient_for(layer);
  auto run = layer.forward(context, x_TD.view(), batch_of_two());
  std::vector<double> numbers = values_of(run.output);
  numbers.push_back(run.stats.balance_loss());
  numbers.push_back(run.stats.z_loss());
  const auto d_x =
      values_of(layer.backward(context, c_TD.view(), {.balance = 0.5, .z = 0.1}, std::move(run.saved), gradient));
  numbers.insert(numbers.end(), d_x.begin(), d_x.end());
  for_each_parameter(
      [&](const std::string&, const auto& d) {
        const auto values = values_of<double, Cpu<>>(d.view());
        numbers.insert(numbers.end(), values.begin(), values.end());
      },
      gradient);
  const auto y = values_of(layer.infer(context, x_TD.view(), batch_of_two()));
  numbers.insert(numbers.end(), y.begin(), y.end());
  return numbers;
}

template <class Concrete>
void check_same_as(Concrete concrete, Any any) {
  REQUIRE(any.width() == small.width);
  CHECK(any.is_causal() == Concrete::is_causal);
  CHECK(any.is_batch_invariant() == Concrete::is_batch_invariant);
  std::vector<std::string> names, any_names;
  const auto collect = [](std::vector<std::string>& list) {
    return [&list](const std::string& name, const auto&) { list.push_back(name); };
  };
  for_each_parameter(collect(names), concrete);
  for_each_buffer(collect(names), concrete);
  for_each_parameter(collect(any_names), any);
  for_each_buffer(collect(any_names), any);
  CHECK(names == any_names);
  Draw first("any layer"), second("any layer");
  randomize(first, concrete, 0.7);
  randomize(second, any, 0.7);
  Draw draw("any layer's input");
  const auto x_TD = random_matrix<double, Cpu<>>(draw, 13, 6), c_TD = random_matrix<double, Cpu<>>(draw, 13, 6);
  CHECK(step_of(concrete, x_TD, c_TD) == step_of(any, x_TD, c_TD));
}

}  // namespace

TEST_CASE("a global balance made by name exchanges loads where there is a balance loss", "[runtime][scale]") {
  const std::vector<std::pair<Composition, int>> layers{
      {{.architecture = "mixtral"}, 1},
      {{.architecture = "gshard"}, 1},
      {{.architecture = "gshard", .expert_capacity = 1.25, .random_choice = true}, 1},
      {{.architecture = "qwen1.5-moe", .shared_hidden = 7}, 1},
      {{.architecture = "qwen1.5-moe", .normalized_gates = true}, 1},
      {{.architecture = "multipl-moe-without-segments"}, 1},
      {{.architecture = "causal-multipl-moe", .balance_over_routed = true}, 1},
      {{.architecture = "multipl-moe", .fusion = "channel"}, 1},
      {{.architecture = "dense"}, 0},
      {{.architecture = "lora"}, 0},
      {{.architecture = "mole"}, 0}};
  for (const auto& [parts, exchanges] : layers)
    for (const bool is_global : {false, true}) {
      INFO(parts.architecture << (is_global ? ", global" : ", local"));
      Composition composition = parts;
      composition.settings = small;
      composition.global_balance = is_global;
      CHECK_NOTHROW(on_ranks(2, [&, expected = is_global ? exchanges : 0](const CpuContext& of_rank) {
        const Any layer = registry.make(composition);
        layer.forward(of_rank, Tensor(13, small.width), batch_of_two());
        std::int64_t found = 0;
        for (const auto& [place, traffic] : of_rank.ranks->traffic()) found += traffic.announcements;
        require_that(found == expected, "another number of exchanges");
      }));
    }
}

TEST_CASE("an architecture made without a registry rejects an unknown fusion", "[runtime]") {
  Composition composition;
  composition.settings = small;
  composition.fusion = "sum";
  CHECK_THROWS_WITH((Architectures<SwiGlu<double, Cpu<>>>::all("architecture").at("multipl-moe")(composition)),
                    "[registry] fusion must be one of fixed, normalized, scalar, channel, matrix, got \"sum\"");
}

TEST_CASE("a layer made by name is bitwise identical to the layer of that name", "[runtime]") {
  using namespace std::string_literals;
  using B = Cpu<>;
  check_same_as(make_multipl<MultiPlMoe<double, B>>(small), made("multipl-moe"));
  check_same_as(make_multipl<CausalMultiPlMoe<double, B, NormalizedFusion>>(small),
                made("causal-multipl-moe", "shared-top-k", "fixed-window", "normalized"));
  check_same_as(make_multipl<CausalMultiPlMoe<double, B, NormalizedFusion>>(small),
                made("causal-multipl-moe", "", "", "normalised"));  // the spelling of version 0.1
  check_same_as(make_multipl<CausalMultiPlMoe<double, B, ScalarFusion<double, B>>>(small),
                made("causal-multipl-moe", "", "", "scalar"));
  check_same_as(make_multipl<CausalMultiPlMoe<double, B, MatrixFusion<double, B>>>(small),
                made("causal-multipl-moe", "", "", "matrix"));
  check_same_as(make_multipl<MultiPlMoeReleased<double, B>>(small), made("multipl-moe-released"));
  check_same_as(make_multipl<MultiPlMoeLiteral<double, B, ChannelFusion<double, B>>>(small),
                made("multipl-moe-literal", "", "", "channel"));
  check_same_as(make_multipl<MultiPlWithoutSegments<double, B>>(small), made("multipl-moe-without-segments"));
  check_same_as(make_multipl<MultiPlWithoutShared<double, B>>(small), made("causal-multipl-moe", "top-k"));
  check_same_as(make_multipl<MultiPlWithoutBoth<double, B>>(small), made("multipl-moe-without-segments", "top-k"));
  check_same_as(Mixtral<double, B>(TopK{.k = 2}, {}, {}, ExpertBank<SwiGlu<double, B>>(3, 6, 5)), made("mixtral"));
  check_same_as(Qwen15Moe<double, B>(TopK{.k = 2}, {}, {}, ExpertBank<SwiGlu<double, B>>(3, 6, 5), {6, 7}),
                made("qwen1.5-moe"));
  using NormalizedQwen =
      TokenMoE<TopK, SoftmaxOverChosen, Unlimited, SwiGlu<double, B>, SharedExpert<SwiGlu<double, B>, SigmoidGate>>;
  const Composition normalized{
      .architecture = "qwen1.5-moe", .settings = small, .shared_hidden = 7, .normalized_gates = true};
  check_same_as(NormalizedQwen(TopK{.k = 2}, {}, {}, ExpertBank<SwiGlu<double, B>>(3, 6, 5), {6, 7}),
                registry.make(normalized));
  check_same_as(SwiGlu<double, B>(6, 5), made("dense"));
  Composition adapted{.architecture = "lora", .settings = small, .lora_rank = 2, .lora_alpha = 3};
  check_same_as(make_lora(SwiGlu<double, B>(6, 5), 2, 3), registry.make(adapted));
  Composition crowded{.architecture = "gshard", .settings = small, .expert_capacity = 0.5, .random_choice = true};
  const auto gshard = [](GShardChoice choice, CapacityFactor room) {
    return GShardDecoderMoe<double, B>({choice, TopK{.k = 2}}, {}, {room, {}}, ExpertBank<SwiGlu<double, B>>(3, 6, 5));
  };
  check_same_as(gshard({.k = 2}, {.factor = 0.5}), registry.make(crowded));
  crowded.expert_capacity = 0;
  check_same_as(gshard({.k = 2}, {.factor = 1e9}), registry.make(crowded));
  crowded = {.architecture = "gshard", .settings = small, .expert_capacity = 0.5};
  check_same_as(gshard({.k = 2, .keep = 1e9}, {.factor = 0.5}), registry.make(crowded));
  check_same_as(Mixtral<double, B>(TopK{.k = 2}, {}, {}, ExpertBank<SwiGlu<double, B>>(3, 6, 5)), made("gshard"));
  crowded.expert_capacity = -1;
  CHECK_THROWS_WITH(registry.make(crowded), "[registry] gshard's expert_capacity must not be negative, got -1");
  adapted.architecture = "mole";
  adapted.mole = {.languages = 2, .language_rank = 1, .language_alpha = 4, .shared_rank = 3, .shared_alpha = 5};
  check_same_as(make_mole(SwiGlu<double, B>(6, 5), adapted.mole), registry.make(adapted));
}

TEST_CASE("a composition selects its experts by name", "[runtime]") {
  using B = Cpu<>;
  using X = Mlp<ReluSquared, double, B, WithBiases>;
  Registry<double, B> taught;
  taught.add_expert<X>("squared-relu-mlp");
  CHECK(taught.experts() == std::vector<std::string>{"swiglu", "squared-relu-mlp"});
  Composition c{.architecture = "mixtral", .settings = small, .shared_hidden = 7, .expert = "squared-relu-mlp"};
  check_same_as(Mixtral<double, B, X>(TopK{.k = 2}, {}, {}, ExpertBank<X>(3, 6, 5)), taught.make(c));
  c.architecture = "qwen1.5-moe";
  check_same_as(Qwen15Moe<double, B, X>(TopK{.k = 2}, {}, {}, ExpertBank<X>(3, 6, 5), {6, 7}), taught.make(c));
  c.architecture = "causal-multipl-moe";
  check_same_as(make_multipl<CausalMultiPlMoe<double, B, FixedFusion, BalanceOverAll, X>>(small), taught.make(c));
  c.architecture = "dense";
  check_same_as(X(6, 5), taught.make(c));
  c.expert = "swiglu";
  check_same_as(SwiGlu<double, B>(6, 5), taught.make(c));

  c.architecture = "mole";
  c.expert = "squared-relu-mlp";
  CHECK_THROWS_WITH(taught.make(c),
                    "[registry] architecture of expert squared-relu-mlp must be one of dense, mixtral, gshard, "
                    "qwen1.5-moe, multipl-moe, causal-multipl-moe, multipl-moe-released, multipl-moe-literal, "
                    "multipl-moe-without-segments, got \"mole\"");
  c.expert = "geglu";
  CHECK_THROWS_WITH(taught.make(c), "[registry] expert must be one of swiglu, squared-relu-mlp, got \"geglu\"");
  // add_token_expert registers an expert for token-level architectures only.
  using Gelus = Glu<Gelu, double, B>;
  taught.add_token_expert<Gelus>("gelu");
  c = {.architecture = "mixtral", .settings = small, .expert = "gelu"};
  check_same_as(Mixtral<double, B, Gelus>(TopK{.k = 2}, {}, {}, ExpertBank<Gelus>(3, 6, 5)), taught.make(c));
  c.architecture = "multipl-moe";
  CHECK_THROWS_WITH(taught.make(c),
                    "[registry] architecture of expert gelu must be one of dense, mixtral, gshard, "
                    "qwen1.5-moe, got \"multipl-moe\"");
  // Without a shared expert there is no shared path.
  c = {.architecture = "qwen1.5-moe", .settings = small};
  check_same_as(TokenMoE<TopK, SoftmaxOverAll, Unlimited, SwiGlu<double, B>>(TopK{.k = 2}, {}, {},
                                                                             ExpertBank<SwiGlu<double, B>>(3, 6, 5)),
                taught.make(c));
  // A custom architecture reads the name itself.
  taught.add("mine", [](const Composition& own) {
    return Any(X(own.settings.width, own.expert == "squared-relu-mlp" ? own.settings.hidden : 1));
  });
  c = {.architecture = "mine", .settings = small, .expert = "squared-relu-mlp"};
  check_same_as(X(6, 5), taught.make(c));
}

TEST_CASE("a boundary window cuts after boundary tokens", "[runtime]") {
  CpuContext watched{.threads = 1};
  std::vector<Index> begin;
  watched.observer = [&](const Observation& seen) {
    if (seen.level == "segment") begin = seen.begin;
  };
  const Tensor x_TD(13, 6);
  made("causal-multipl-moe", "", "fixed-window").infer(watched, x_TD, batch_of_two());
  CHECK(begin == std::vector<Index>{0, 4, 8, 12, 13});
  made("causal-multipl-moe", "", "boundary-window").infer(watched, x_TD, batch_of_two());
  CHECK(begin == std::vector<Index>{0, 3, 7, 8, 12, 13});
}

TEST_CASE("the error for an unknown name lists the valid ones", "[runtime][misuse]") {
  CHECK_THROWS_WITH(
      made("multiplmoe"),
      "[registry] architecture must be one of dense, mixtral, gshard, qwen1.5-moe, multipl-moe, "
      "causal-multipl-moe, multipl-moe-released, multipl-moe-literal, multipl-moe-without-segments, lora, mole, "
      "got \"multiplmoe\"");
  CHECK_THROWS_WITH(made("multipl-moe", "topk"), "[registry] router must be one of shared-top-k, top-k, got \"topk\"");
  CHECK_THROWS_WITH(made("multipl-moe", "", "line"),
                    "[registry] segmenter must be one of fixed-window, boundary-window, got \"line\"");
  CHECK_THROWS_WITH(made("multipl-moe", "", "", "sum"),
                    "[registry] fusion must be one of fixed, normalized, scalar, channel, matrix, got \"sum\"");
}

TEST_CASE("a user's layer is registered under a name", "[runtime]") {
  Registry<double, Cpu<>> own;
  own.add("wide-mixtral", [](const Composition& c) {
    const MultiPlSettings& s = c.settings;
    return Any(Mixtral<double, Cpu<>>(TopK{.k = s.k}, {}, {}, ExpertBank<SwiGlu<double, Cpu<>>>(9, s.width, s.hidden)));
  });
  Any layer = own.make({.architecture = "wide-mixtral", .settings = small});
  REQUIRE(layer.as<Mixtral<double, Cpu<>>>() != nullptr);
  CHECK(layer.as<Mixtral<double, Cpu<>>>()->bank.count() == 9);
  CHECK(layer.as<SwiGlu<double, Cpu<>>>() == nullptr);
  CHECK(own.architectures().back() == "wide-mixtral");
}

}  // namespace registry_test
