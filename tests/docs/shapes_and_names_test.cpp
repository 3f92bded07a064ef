/// The code of docs/01_shapes_and_names.md.
#include <moe/moe.hpp>

#include "support/catch.hpp"

namespace shapes_and_names_test {

using Indices = std::vector<moe::Index>;

TEST_CASE("shapes: a batch has offsets and per-row data", "[docs]") {
  // [batch]
  const std::vector<std::int32_t> tokens = {7, 7, 10, 7, 7, 7, 7};
  moe::Batch batch = moe::Batch::ragged({4, 0, 3});  // three sequences, the second of them empty
  batch.tokens = tokens;                             // a view: `tokens` outlives the batch
  // [/batch]
  CHECK(batch.offsets == Indices{0, 4, 4, 7});
  CHECK(batch.rows() == 7);
  CHECK(batch.count() == 3);

  // [segments]
  const auto fixed = moe::cut_into_segments(moe::FixedWindow{.window = 2}, batch);
  const auto lines = moe::cut_into_segments(moe::BoundaryWindow{.boundary = 10, .minimum = 1, .maximum = 8}, batch);
  CHECK(fixed.begin == Indices{0, 2, 4, 6, 7});
  CHECK(fixed.opens_sequence == Indices{1, 0, 1, 0});
  CHECK(fixed.of_row == Indices{0, 0, 1, 1, 2, 2, 3});
  CHECK(lines.begin == Indices{0, 3, 4, 7});
  // [/segments]
}

TEST_CASE("shapes: a plan is the pairs, sorted by expert", "[docs]") {
  // [plan]
  using Cpu = moe::Cpu<>;
  const moe::CpuContext context;
  moe::Matrix<moe::ChoiceOrder, Cpu> chosen_TE(3, 4);
  moe::as_eigen(chosen_TE) << 0, 1, 0, 2,  // row 0: expert 1 first, then expert 3
      0, 0, 0, 0,                          // row 1: no expert
      2, 1, 0, 0;                          // row 2: expert 1 first, then expert 0
  const moe::Plan<Cpu> plan = Cpu::group_by_expert(context, chosen_TE);

  const auto list = [](const auto& m_1N) { return Indices(m_1N.data(), m_1N.data() + m_1N.size()); };
  CHECK(plan.pairs() == 4);
  CHECK(plan.offsets == Indices{0, 1, 3, 3, 4});  // expert 1 has pairs 1 and 2
  CHECK(list(plan.experts_1N) == Indices{0, 1, 1, 3});
  CHECK(list(plan.rows_1N) == Indices{2, 0, 2, 0});
  CHECK(list(plan.pair_begin_1T) == Indices{0, 2, 2, 4});
  CHECK(list(plan.pairs_1N) == Indices{1, 3, 0, 2});  // row 0 has pairs 1 and 3, row 2 pairs 0 and 2
  // [/plan]
}

TEST_CASE("names: a walk reports every weight's name and shape", "[docs]") {
  // [names]
  using Cpu = moe::Cpu<>;
  const auto layer = moe::make_multipl<moe::CausalMultiPlMoe<float, Cpu, moe::ScalarFusion<float, Cpu>>>(
      {.width = 8, .hidden = 12, .token_experts = 1, .segment_experts = 1, .k = 1});
  std::vector<std::string> names, buffers;
  moe::for_each_parameter(
      [&](const std::string& name, const auto& weight) {
        names.push_back(name + " " + std::to_string(weight.rows()) + "x" + std::to_string(weight.cols()));
      },
      layer);
  moe::for_each_buffer([&](const std::string& name, const auto&) { buffers.push_back(name); }, layer);

  CHECK(names == std::vector<std::string>{"token.gate.weight 1x8",                    // [E, D]
                                          "token.experts.0.gate_proj.weight 12x8",    // [F, D]
                                          "token.experts.0.up_proj.weight 12x8",      // [F, D]
                                          "token.experts.0.down_proj.weight 8x12",    // [D, F]
                                          "segment.gate.weight 1x8",                  // [E, D]
                                          "segment.first_segment 1x8",                // [D]
                                          "segment.experts.0.gate_proj.weight 12x8",  // [F, D]
                                          "segment.experts.0.up_proj.weight 12x8",    // [F, D]
                                          "segment.experts.0.down_proj.weight 8x12",  // [D, F]
                                          "fusion.weights 1x2"});                     // [2]
  CHECK(buffers == std::vector<std::string>{"segment.thresholds", "segment.threshold_updates"});
  // [/names]
}

}  // namespace shapes_and_names_test
