#include "multipl_moe/benchmark/result.hpp"

#include <nlohmann/json.hpp>

#include "multipl_moe/io/strict_json.hpp"
#include "support/catch.hpp"

namespace benchmark_result_test {

using namespace multipl_moe;
using namespace multipl_moe::benchmark;

namespace {

std::string_view folded(Status status, Language language, Stage stage = Stage::run, std::string err = {}) {
  Result result;
  result.status = status;
  result.stage = stage;
  result.err = std::move(err);
  return multipl_e_status(result, language);
}

}  // namespace

TEST_CASE("a result reads back equal", "[benchmark][result]") {
  for (const Status status : all_statuses) {
    const Result result{status, Stage::compile, 3, 11, 0.25, 0.125, 1 << 20, 2, "out\n\"", "\xef\xbf\xbd"};
    CHECK(result_of(nlohmann::json::parse(to_json(result).dump())) == result);
  }
  auto json = nlohmann::json::parse(to_json(Result{}).dump());
  CHECK_NOTHROW(result_of(json));
  for (const auto& [name, bad] : std::vector<std::pair<const char*, nlohmann::json>>{
           {"status", "Good"}, {"stage", "link"}, {"exit_code", -1}, {"seconds", -1.0}, {"runs", "1"}, {"stdout", 1}}) {
    auto changed = json;
    changed[name] = bad;
    INFO(name);
    CHECK_THROWS_AS(result_of(changed), JsonFault);
    changed.erase(name);
    CHECK_THROWS_AS(result_of(changed), JsonFault);
  }
}

TEST_CASE("statuses fold back into the four of MultiPL-E", "[benchmark][result]") {
  for (const Language language : all_languages) {
    INFO(multipl_moe::name_of(language));
    CHECK(folded(Status::ok, language) == "OK");
    CHECK(folded(Status::early_exit, language) == "OK");
    CHECK(folded(Status::syntax_error, language, Stage::compile) == "SyntaxError");
    CHECK(folded(Status::exception, language) == "Exception");
    CHECK(folded(Status::signal, language) == "Exception");
    CHECK(folded(Status::out_of_memory, language) == "Exception");
    CHECK(folded(Status::out_of_memory, language, Stage::compile) == "SyntaxError");
    CHECK(folded(Status::timeout, language) == "Timeout");
    CHECK(folded(Status::output_limit, language) == "Timeout");
  }
  CHECK(folded(Status::timeout, Language::cpp, Stage::compile) == "SyntaxError");
  CHECK(folded(Status::timeout, Language::java, Stage::compile) == "SyntaxError");
  CHECK(folded(Status::timeout, Language::rust, Stage::compile) == "Timeout");
  CHECK(folded(Status::exception, Language::ruby, Stage::run, "undefined method") == "SyntaxError");
  CHECK(folded(Status::exception, Language::python, Stage::run, "AssertionError") == "Exception");
}

}  // namespace benchmark_result_test
