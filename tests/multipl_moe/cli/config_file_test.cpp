#include "multipl_moe/cli/config_file.hpp"

#include <cstdlib>

#include "../train/run_files.hpp"
#include "multipl_moe/io/errors.hpp"
#include "program.hpp"
#include "support/catch.hpp"

namespace config_file_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A program with one command that has every kind of setting.
struct Sample {
  CLI::App program;
  CLI::App& command = *program.add_subcommand("work");
  std::string path, name = "plain", other;
  std::vector<std::string> words{"a", "b"};
  std::int64_t count = 3;
  double rate = 4e-3;
  bool quiet = false;

  Sample() {
    command.add_option("--path", path)->required();
    auto* const first = command.add_option("--name", name)->capture_default_str()->envname("SAMPLE_NAME");
    command.add_option("--other", other)->excludes(first);
    command.add_option("--words", words)->delimiter(',')->capture_default_str();
    command.add_option("--count", count)->capture_default_str();
    command.add_option("--rate", rate)->capture_default_str();
    command.add_flag("-q,--quiet", quiet);
    command.add_flag("--once")->configurable(false);
    add_config_options(program);
  }
  void parse(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());
    program.parse(arguments);
  }
};

/// The settings that a Sample reads from `text`.
std::unique_ptr<Sample> read(const std::string& text, std::vector<std::string> more = {}) {
  const ScratchFolder scratch;
  put_bytes(scratch / "config.toml", text);
  auto sample = std::make_unique<Sample>();
  std::vector<std::string> arguments{"work", "--config", (scratch / "config.toml").native()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  sample->parse(arguments);
  return sample;
}

std::string refusal(const std::string& text) {
  try {
    read(text);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "read";
}

}  // namespace

TEST_CASE("a byte-order mark and carriage returns change no setting", "[cli][config]") {
  const auto sample = read(
      "\xef\xbb\xbf[work]\r\npath = \"a\"\r\n# comment\r\nwords = [\"c d\", \"e\"]\r\ncount = 7\r\nquiet = true\r\n");
  CHECK(sample->path == "a");
  CHECK(sample->words == std::vector<std::string>{"c d", "e"});
  CHECK(sample->count == 7);
  CHECK(sample->quiet);
}

TEST_CASE("written settings read back equal", "[cli][config]") {
  for (const char* const path :
       {"data", "a b",  "a,b", "a#b", "# no comment", "it's", "say \"x\"", "back\\slash", "[x]",  "a=b", "5", "1e3",
        "nan",  "true", "-",   "ü",   "  ",           "x;y",  "a.b/c.d",   "'",           "end\\"}) {
    INFO(path);
    Sample sample;
    sample.parse({"work", std::string("--path=") + path, "--words=c d,e#f,g", "--count=7", "-q", "--once"});
    const std::string text = settings_text(sample.command);
    INFO(text);
    const auto again = read(text);
    CHECK(again->path == path);
    CHECK(again->name == "plain");
    CHECK(again->words == std::vector<std::string>{"c d", "e#f", "g"});
    CHECK(again->count == 7);
    CHECK(again->rate == 4e-3);
    CHECK(again->quiet);
    CHECK_THAT(text, !ContainsSubstring("once"));
  }
}

TEST_CASE("defaults are written too, but not those of options that another setting excludes", "[cli][config]") {
  Sample sample;
  sample.parse({"work", "--path", "p"});
  CHECK(settings_text(sample.command) ==
        "[work]\npath = \"p\"\nname = \"plain\"\nwords = [\"a\", \"b\"]\ncount = 3\nrate = 0.004\nquiet = false\n");
  Sample ruled_out;
  ruled_out.parse({"work", "--path", "p", "--other", "o"});
  const std::string text = settings_text(ruled_out.command);
  CHECK_THAT(text, ContainsSubstring("other = \"o\"") && !ContainsSubstring("name"));
  CHECK(read(text)->other == "o");
}

TEST_CASE("a value that cannot be written to the file is rejected with the name of its option", "[cli][config]") {
  for (const char* path : {"both ' and \"", "two\nlines"}) {
    Sample sample;
    sample.parse({"work", std::string("--path=") + path});
    CHECK_THROWS_WITH(settings_text(sample.command), ContainsSubstring("[--path]"));
  }
}

TEST_CASE("a flag overrides the environment, which overrides the file, which overrides the default", "[cli][config]") {
  const std::string text = "[work]\npath = \"p\" # where\nname = 'file'\n# count = 9\n\nrate = 1 # quick\n";
  CHECK(read("[work]\npath = \"p\"\n")->name == "plain");
  CHECK(read(text)->name == "file");
  CHECK(read(text)->count == 3);
  CHECK(read(text)->rate == 1);
  setenv("SAMPLE_NAME", "environment", 1);
  CHECK(read(text)->name == "environment");
  CHECK(read(text, {"--name", "flag"})->name == "flag");
  unsetenv("SAMPLE_NAME");
  CHECK(read(text, {"--name", "flag"})->name == "flag");
}

TEST_CASE("an unknown setting or section in the file is an error that names it", "[cli][config]") {
  CHECK_THAT(refusal("[work]\npath = 'p'\ncuont = 4\n"), ContainsSubstring("'cuont' is not a setting of work"));
  CHECK_THAT(refusal("[work]\npath = 'p'\nonce = true\n"), ContainsSubstring("'once'"));
  CHECK_THAT(refusal("[work]\npath = 'p'\nhelp = true\n"), ContainsSubstring("'help'"));
  CHECK_THAT(refusal("[wrok]\npath = 'p'\n"), ContainsSubstring("found [wrok]"));
  CHECK_THAT(refusal("[work.deeper]\npath = 'p'\n"), ContainsSubstring("found [work.deeper]"));
  CHECK_THAT(refusal("path = 'p'\n"),
             ContainsSubstring("must be in the section of its command") && ContainsSubstring("'path'"));
  CHECK_THROWS_AS(read("[work]\npath = 'p'\ncount = many\n"), CLI::ParseError);
  CHECK_THROWS_AS(read("[work]\npath = 'p'\n", {"--config", "/nowhere"}), CLI::ParseError);
}

TEST_CASE("every command prints its settings and reads them back", "[cli][config]") {
  const ScratchFolder scratch;
  for (const char* words :
       {"info --arch gshard", "prepare a b -o data --json", "pretrain --data data -o run --languages rust,go",
        "upcycle --model m -o out --segment-window 8", "train --model m --data data -o run --mix 7:3",
        "eval --model m --data data", "generate --model m --prompt 'def f(x):  # one'", "demo --corpus a b"}) {
    INFO(words);
    const Outcome printed = run(scratch, std::string(words) + " --print-config");
    REQUIRE(printed.exit_code == 0);
    CHECK(printed.error.empty());
    put_bytes(scratch / "config.toml", printed.out);
    const std::string command = std::string(words).substr(0, std::string_view(words).find(' '));
    const Outcome again = run(scratch, command + " --config config.toml --print-config");
    CHECK(again.exit_code == 0);
    CHECK(again.out == printed.out);
  }
  CHECK_THAT(run(scratch, "train --model m --data d -o r --mix 7:3 --print-config").out,
             ContainsSubstring("[train]\n") && ContainsSubstring("mix = \"7:3\"\n"));
}

TEST_CASE("a command with the settings file that it printed gives the same results", "[cli][config]") {
  const ScratchFolder scratch;
  put_tiny_config(scratch);
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  // Float32, which is not the default of any command.
  REQUIRE(run(scratch, "make-checkpoint --config-json tiny.json --dtype float32 -q -o m").exit_code == 0);
  REQUIRE(run(scratch, "upcycle --model m --arch lora -q -o adapted").exit_code == 0);
  REQUIRE(run(scratch, "upcycle --model m -q -o mixture").exit_code == 0);
  const std::string training = " --data data --batch-size 2 --sequence-length 32 --steps 2 -q -o out";
  REQUIRE(run(scratch, "train --model mixture --data data --batch-size 2 --sequence-length 32 --steps 2 -q -o run")
              .exit_code == 0);
  for (const std::string& words :
       std::vector<std::string>{"info --size tiny",
                                "info --model mixture --json",
                                "prepare '" MOE_TEST_CORPUS "' -o out --json",
                                "tokenizer train '" MOE_TEST_CORPUS "' -o out --vocab-size 300",
                                "tokenizer encode --model m < tiny.json",
                                "tokenizer decode --model m < numbers",
                                "make-checkpoint --config-json tiny.json -q -o out",
                                "make-checkpoint --size demo --arch mixtral -q -o out",
                                "upcycle --model m -q -o out",
                                "upcycle --model m --arch lora -q -o out",
                                "upcycle --model m --arch gshard --noise 0.1 -q -o out",
                                "upcycle --model m --segmenter boundary-window --dtype bfloat16 -q -o out",
                                "merge --model adapted -o out",
                                "export --model m -q -o out",
                                "export --model m --dtype float16 -q -o out",
                                "pretrain --config-json tiny.json" + training,
                                "pretrain --config-json tiny.json --languages go" + training,
                                "train --model mixture" + training,
                                "train --model m --trainable all --mix 1:1" + training,
                                "eval --model mixture --data data --sequence-length 32 --max-bytes 200",
                                "generate --model mixture --prompt a --max-new-tokens 3 --json -q",
                                "generate --model m --prompt 'a b' --temperature 0 --max-new-tokens 3 --stop x -q",
                                "trace --model mixture --data data --sequence-length 32 --tokens 64 -o out",
                                "report --run run -o out"}) {
    put_bytes(scratch / "numbers", "1 2 3\n");
    INFO(words);
    const std::size_t input = std::min(words.find(" <"), words.size());
    const std::string redirected = words.substr(input);
    const Outcome printed = run(scratch, words.substr(0, input) + " --print-config" + redirected);
    REQUIRE(printed.exit_code == 0);
    put_bytes(scratch / "config.toml", printed.out);
    const Outcome first = run(scratch, words);
    INFO(first.error);
    REQUIRE(first.exit_code == 0);
    std::filesystem::remove_all(scratch / "before");
    if (std::filesystem::exists(scratch / "out")) std::filesystem::rename(scratch / "out", scratch / "before");
    const bool is_inner = words.starts_with("tokenizer");
    const std::string command = words.substr(0, words.find(' ', is_inner ? words.find(' ') + 1 : 0));
    const Outcome second = run(scratch, command + " --config config.toml" + redirected);
    INFO(second.error);
    CHECK(second.exit_code == 0);
    CHECK(second.out == first.out);
    REQUIRE(std::filesystem::exists(scratch / "out") == std::filesystem::exists(scratch / "before"));
    if (!std::filesystem::exists(scratch / "out")) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(scratch / "before")) {
      const auto name = std::filesystem::relative(entry.path(), scratch / "before");
      INFO(name);
      if (entry.is_directory() || name.extension() == ".png" || name.extension() == ".svg") continue;
      if (name == "metrics.jsonl")
        CHECK(metrics_of(scratch / "before") == metrics_of(scratch / "out"));
      else
        CHECK(get_bytes(entry.path()) == get_bytes(scratch.path() / "out" / name));
    }
    std::filesystem::remove_all(scratch / "out");
  }
}

TEST_CASE("an option that was not given is not written if writing it would change the command", "[cli][config]") {
  const ScratchFolder scratch;
  for (const char* words : {"export --model m -o x", "upcycle --model m -o x"}) {
    CHECK_THAT(run(scratch, std::string(words) + " --print-config").out, !ContainsSubstring("dtype"));
    CHECK_THAT(run(scratch, std::string(words) + " --dtype bfloat16 --print-config").out,
               ContainsSubstring("dtype = \"bfloat16\""));
  }
  CHECK_THAT(run(scratch, "export --help").out, ContainsSubstring("[as the model's are stored]"));
  CHECK_THAT(run(scratch, "make-checkpoint -o x --print-config").out, ContainsSubstring("dtype = \"bfloat16\""));
}

TEST_CASE("a flag overrides the settings of the file that it excludes", "[cli][config]") {
  CHECK(read("[work]\npath = 'p'\nname = 'file'\n", {"--other", "o"})->other == "o");
  CHECK(read("[work]\npath = 'p'\nname = 'file'\n", {"--other", "o"})->name == "plain");
  CHECK_THROWS_AS(read("[work]\npath = 'p'\nname = 'file'\nother = 'o'\n"), CLI::ParseError);
}

TEST_CASE("a wrong key in the file exits with 2, for any position of --config", "[cli][config]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "config.toml", "[pretrain]\ndata = 'd'\noutput = 'o'\nlearning-rat = 1\n");
  for (const char* words : {"pretrain --config config.toml", "--config config.toml pretrain"}) {
    const Outcome outcome = run(scratch, words);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.error, ContainsSubstring("learning-rat"));
  }
  CHECK(run(scratch, "pretrain --config nowhere.toml").exit_code == 2);
}

}  // namespace config_file_test
