#include "multipl_moe/train/trainer_state.hpp"

#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace trainer_state_test {

using namespace multipl_moe;

namespace {

const TrainerState good{.step = 12,
                        .updates = 9,
                        .skipped = 3,
                        .skipped_in_a_row = 2,
                        .last_good_step = 10,
                        .next_sequence = 96,
                        .settings = {{"--seed", "18446744073709551615"}, {"--steps", "20"}}};

/// The state's text with `part` replaced by `other`.
std::string with(const std::string& part, const std::string& other) {
  std::string text = to_json_text(good);
  const auto at = text.find(part);
  REQUIRE(at != std::string::npos);
  return text.replace(at, part.size(), other);
}

}  // namespace

TEST_CASE("a written trainer state reads back equal", "[train]") {
  CHECK(parse_trainer_state(to_json_text(good), "state") == good);
  CHECK(parse_trainer_state(to_json_text(TrainerState()), "state") == TrainerState());
}

TEST_CASE("an impossible trainer state is a bad file", "[train]") {
  for (const std::string& text : {std::string(), std::string("[]"), with("\"format\": 1", "\"format\": 2"),
                                  with("\"updates\": 9", "\"updates\": 10"), with("\"updates\": 9", "\"updates\": 9.5"),
                                  with("\"updates\": 9,", ""), with("\"skipped\": 3", "\"skipped\": -3"),
                                  with("\"skipped_in_a_row\": 2", "\"skipped_in_a_row\": 4"),
                                  with("\"last_good_step\": 10", "\"last_good_step\": 13"),
                                  with("\"next_sequence\": 96", "\"next_sequence\": 11"),
                                  with("\"global_step\": 12", "\"global_step\": 9223372036854775807"),
                                  with("\"20\"", "20"), with("\"settings\"", "\"others\"")}) {
    INFO(text);
    CHECK_THROWS_AS(parse_trainer_state(text, "state"), BadFile);
  }
}

TEST_CASE("different settings are listed with both values, also if only one side has them", "[train]") {
  CHECK(differences(good.settings, good.settings).empty());
  // A run of a version without this setting was in float32.
  CHECK(differences({}, {{"--moments", "float32"}}).empty());
  CHECK(differences({}, {{"--moments", "bfloat16"}}) == "  --moments: float32, found bfloat16\n");
  CHECK(differences({}, {{"--dtype", "bfloat16"}}) == "  --dtype: float32 (on --device cpu), found bfloat16\n");
  CHECK(differences({{"a", "1"}, {"b", "2"}, {"same", "x"}}, {{"a", "3"}, {"c", "4"}, {"same", "x"}}) ==
        "  a: 1, found 3\n  b: 2, found nothing\n  c: nothing, found 4\n");
}

}  // namespace trainer_state_test
