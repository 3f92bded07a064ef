#include "multipl_moe/exercises/write.hpp"

#include <nlohmann/json.hpp>
#include <sstream>

#include "../io/scratch.hpp"
#include "multipl_moe/exercises/mutants.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/io/manifest.hpp"
#include "support/catch.hpp"

namespace write_test {

using namespace multipl_moe;
using namespace multipl_moe::exercises;
using namespace multipl_moe::testing;
namespace fs = std::filesystem;

namespace {

ExerciseOptions small(const fs::path& out, std::uint64_t seed = 0) {
  return {.out = out, .problems = 18, .high = 45, .low = 5, .seed = seed};
}

/// The paths of all files of a folder, with their texts.
std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files[fs::relative(entry.path(), folder).native()] = get_bytes(entry.path());
  return files;
}

std::vector<nlohmann::json> lines_of(const fs::path& path) {
  std::vector<nlohmann::json> lines;
  std::istringstream text(get_bytes(path));
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

}  // namespace

TEST_CASE("the same seed writes the same bytes, on every machine", "[exercises]") {
  const ScratchFolder scratch;
  write_exercises(small(scratch / "a"));
  write_exercises(small(scratch / "b"));
  write_exercises(small(scratch / "c", 1));
  const auto a = files_of(scratch / "a");
  CHECK(a == files_of(scratch / "b"));
  CHECK(a != files_of(scratch / "c"));
  std::string all;
  for (const auto& [name, text] : a) all += name + "\n" + text;
  CHECK(hash_of(all) == 0xd38171215dc75c50);
}

TEST_CASE("each folder has a MANIFEST, and training files are numbered and full", "[exercises]") {
  const ScratchFolder scratch;
  const ExerciseReport report = write_exercises(small(scratch / "ex"));
  for (const char* folder : {"dev", "test", "wording", "answers", "train/python", "train/ruby"})
    CHECK_NOTHROW(check_manifest(scratch / "ex" / folder));
  CHECK(report.training[index_of(Language::java)].functions == 45);
  CHECK(file_names_in(scratch / "ex/train/java") ==
        std::set<std::string>{"00000.java", "00001.java", "00002.java", "MANIFEST"});
  CHECK(file_names_in(scratch / "ex/train/rust") == std::set<std::string>{"00000.rs", "MANIFEST"});
  const std::string last = get_bytes(scratch / "ex/train/python/00002.py");
  std::size_t functions = 0;
  for (std::size_t at = 0; (at = last.find("def ", at)) != last.npos; ++at) ++functions;
  CHECK(functions == 5);
  const auto json = nlohmann::json::parse(get_bytes(scratch / "ex/exercises.json"));
  CHECK(json["settings"]["high"] == 45);
  CHECK(json["sets"]["wording"]["problems"] == 9);
}

TEST_CASE("prompts have the same problems in six languages, with right and wrong answers beside them", "[exercises]") {
  const ScratchFolder scratch;
  write_exercises(small(scratch / "ex"));
  const auto prompts = lines_of(scratch / "ex/test/prompts.jsonl");
  REQUIRE(prompts.size() == 6 * 18);
  std::map<std::string, std::set<std::string>> languages;
  for (const auto& line : prompts) {
    languages[line["name"]].insert(line["language"].get<std::string>());
    for (const char* field : {"prompt", "tests", "canonical_solution", "family", "stratum"})
      CHECK(!line[field].get<std::string>().empty());
    CHECK(line["stop_tokens"].is_array());
    CHECK(line["level"].get<int>() >= 1);
  }
  CHECK(languages.size() == 18);
  for (const auto& [name, found] : languages)
    CHECK(found == std::set<std::string>{"py", "java", "cpp", "rs", "go_test.go", "rb"});
  const auto solutions = lines_of(scratch / "ex/answers/test_solutions.jsonl");
  REQUIRE(solutions.size() == prompts.size());
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    CHECK(solutions[i]["name"] == prompts[i]["name"]);
    CHECK(solutions[i]["language"] == prompts[i]["language"]);
    CHECK(solutions[i]["completion"] == prompts[i]["canonical_solution"]);
  }
  const auto mutants = lines_of(scratch / "ex/answers/test_mutants.jsonl");
  REQUIRE(mutants.size() == all_mistakes.size() * prompts.size());
  for (std::size_t i = 0; i < mutants.size(); ++i)
    CHECK(mutants[i]["completion"] != solutions[i / all_mistakes.size()]["completion"]);
}

TEST_CASE("numbers out of range are refused", "[exercises]") {
  const ScratchFolder scratch;
  ExerciseOptions options = small(scratch / "ex");
  options.problems = 0;
  CHECK_THROWS_AS(write_exercises(options), UsageError);
  options = small(scratch / "ex");
  options.low = -1;
  CHECK_THROWS_AS(write_exercises(options), UsageError);
  CHECK(!fs::exists(scratch / "ex"));
}

}  // namespace write_test
