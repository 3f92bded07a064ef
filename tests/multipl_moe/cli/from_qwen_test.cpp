/// Runs every command of docs/08_from_qwen.md in a shell, on a model that the page's own commands create.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "multipl_moe/train/checkpoint.hpp"
#include "program.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

namespace from_qwen_test {

using namespace multipl_moe::testing;
using moe::testing::is_slow_build;
namespace fs = std::filesystem;

namespace {

/// Returns the blocks of shell commands of a page.
std::vector<std::string> shell_blocks(const std::string& page) {
  std::vector<std::string> blocks;
  const std::string open = "```sh\n", close = "```";
  for (std::size_t at = page.find(open); at != std::string::npos; at = page.find(open, at)) {
    at += open.size();
    const std::size_t end = page.find(close, at);
    blocks.push_back(page.substr(at, end - at));
    at = end;
  }
  return blocks;
}

/// Runs a script that stops at the first failing command; returns its exit code and output.
Outcome run_script(const ScratchFolder& scratch, const std::string& script) {
  put_bytes(scratch / "script.sh", "set -eu\nmultipl_moe() { '" MULTIPL_MOE_BINARY "' \"$@\"; }\n" + script);
  const std::string command =
      "cd '" + scratch.path().native() + "' && MOE_THREADS=2 sh script.sh >stdout.txt 2>stderr.txt";
  const int status = std::system(command.c_str());
  return {WEXITSTATUS(status), get_bytes(scratch / "stdout.txt"), get_bytes(scratch / "stderr.txt")};
}

/// Whether a block has commands that need a GPU.
bool needs_gpu(const std::string& block) {
  return block.find("--device cuda") != std::string::npos && block.find("--device-memory") == std::string::npos;
}

}  // namespace

TEST_CASE("the commands of the page from Qwen to MultiPL-MoE run unchanged", "[cli]") {
  if (is_slow_build) {
    WARN("skipped: the page's commands have their own tests, at sizes that this build runs in seconds");
    return;
  }
  const ScratchFolder scratch;
  fs::create_symlink(MOE_TEST_CORPUS, scratch / "sources");
  std::vector<std::string> blocks = shell_blocks(get_bytes(MOE_DOCS_DIR "/08_from_qwen.md"));
  REQUIRE(std::erase_if(blocks, needs_gpu) == 1);
  REQUIRE(blocks.size() == 5);
  // The section that creates a model is the last one of the page and runs first.
  std::rotate(blocks.begin(), blocks.end() - 1, blocks.end());
  for (const std::string& block : blocks) {
    const Outcome outcome = run_script(scratch, block);
    INFO(block << outcome.out << outcome.error);
    REQUIRE(outcome.exit_code == 0);
  }
  const auto model = multipl_moe::load_model(scratch / "run", 1);
  CHECK(model->config().architecture() == "causal-multipl-moe");
  CHECK(model->tokenizer()->vocab_size() <= 1000);
  CHECK(model->tokenizer()->vocab_size() > 257);
  CHECK(fs::exists(multipl_moe::model_folder(scratch / "run") / "tokenizer.json"));
  const auto exported = nlohmann::json::parse(get_bytes(scratch / "for-transformers/config.json"));
  CHECK(exported["architectures"][0] == "Qwen2MoeForCausalLM");
  CHECK(exported["eos_token_id"] == model->tokenizer()->end_of_text());
}

TEST_CASE("the commands of the page for a GPU are valid, and without one end with its sentence", "[cli][device]") {
  const ScratchFolder scratch;
  const std::vector<std::string> blocks = shell_blocks(get_bytes(MOE_DOCS_DIR "/08_from_qwen.md"));
  const auto block = std::find_if(blocks.begin(), blocks.end(), needs_gpu);
  REQUIRE(block != blocks.end());
  std::string joined = *block;
  for (std::size_t at; (at = joined.find("\\\n")) != std::string::npos;) joined.erase(at, 2);
  std::istringstream lines(joined);
  int on_gpu = 0;
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    const std::string name = "multipl_moe ";
    REQUIRE(line.starts_with(name));
    if (line.find("--device cuda") == std::string::npos) continue;
    ++on_gpu;
    const Outcome outcome = run(scratch, line.substr(name.size()), "CUDA_VISIBLE_DEVICES=-1");
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.error.find("[--device] cuda:0 cannot be used: ") != std::string::npos);
  }
  CHECK(on_gpu == 4);
}

}  // namespace from_qwen_test
