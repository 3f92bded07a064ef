#include "multipl_moe/tokenizer/tokenizer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/cli/standard_input.hpp"
#include "multipl_moe/data/train_tokenizer.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/tokenizer/bpe_tokenizer.hpp"

namespace multipl_moe {

namespace {

/// Bytes of memory for each byte of text: the byte, its normal form, and a token per byte in a list that grows.
constexpr std::int64_t held_by_encoding = 10;
/// The same for ids, each of at least a digit and a space: the token and its text.
constexpr std::int64_t held_by_decoding = 8;

/// Prints a line of ids.
void print_ids(std::span<const Token> tokens) {
  constexpr std::size_t enough = 1 << 16;
  std::string line;
  std::array<char, 16> digits;
  for (const Token token : tokens) {
    line.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), token).ptr);
    line.push_back(' ');
    if (line.size() < enough) continue;
    std::fwrite(line.data(), 1, line.size() - 1, stdout);
    line = ' ';
  }
  if (!line.empty() && line.back() == ' ') line.pop_back();
  line.push_back('\n');
  std::fwrite(line.data(), 1, line.size(), stdout);
}

std::vector<Token> parse_ids(std::string_view text, std::int64_t vocab_size) {
  constexpr std::string_view spaces = " \t\r\n";
  std::vector<Token> tokens;
  for (std::size_t begin = 0; (begin = text.find_first_not_of(spaces, begin)) != text.npos;) {
    const std::size_t end = std::min(text.find_first_of(spaces, begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    Token token = 0;
    const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), token);
    if (error != std::errc() || rest != word.data() + word.size() || token >= vocab_size)
      throw BadFile("stdin", begin,
                    fmt::format("must hold token ids, 0 to {}, found '{}'", vocab_size - 1, escaped(word)));
    tokens.push_back(token);
    begin = end;
  }
  return tokens;
}

void add_model_option(CLI::App& command, std::string& model) {
  command
      .add_option("--model", model,
                  "folder with tokenizer.json, or with vocab.json and merges.txt, or of a byte-level model")
      ->required()
      ->type_name("DIR");
  add_links_option(command);
}

void add_train(CLI::App& group) {
  CLI::App& command = *group.add_subcommand(
      "train", "Trains a byte-level BPE tokenizer like Qwen's on the text of prepare's train split.");
  struct Flags {
    TokenizerTraining options;
    std::string output;
  };
  const auto flags = std::make_shared<Flags>();
  TokenizerTraining& o = flags->options;
  command.add_option("sources", o.sources, "folders of source files, the same as for prepare")
      ->required()
      ->type_name("DIR...");
  command.add_option("-o,--output", flags->output, "folder for the new tokenizer.json")->required()->type_name("DIR");
  command
      .add_option("--vocab-size", o.vocab_size, "number of tokens, including the 256 bytes and three special tokens")
      ->capture_default_str()
      ->check(above_zero());
  command
      .add_option("--digits", o.digits,
                  "most digits in a token: 1, so that every digit is a token, as in Qwen; 3 as in Llama 3")
      ->capture_default_str()
      ->check(CLI::Range(1, most_digits));
  command.add_option("--max-bytes", o.max_bytes, "maximum text per language, in bytes; 0: all")
      ->capture_default_str()
      ->check(not_negative());
  add_split_options(command, o.held_out);
  command.callback([flags] {
    TrainedTokenizer trained = train_tokenizer(flags->options);
    const std::filesystem::path folder = flags->output;
    const BpeTokenizer tokenizer(std::move(trained.parts), folder / "tokenizer.json");
    create_folders(folder);
    tokenizer.write_files(folder);
    if (tokenizer.vocab_size() < flags->options.vocab_size)
      notice("note: after {} no pair of tokens occurs twice, so the vocabulary is smaller than the requested {}\n",
             counted(tokenizer.vocab_size(), "tokens"), flags->options.vocab_size);
    notice("{} from {} in {}\n", counted(tokenizer.vocab_size(), "tokens"), counted(trained.bytes, "bytes"),
           counted(trained.files, "files"));
  });
}

void add_encode(CLI::App& group) {
  CLI::App& command = *group.add_subcommand("encode", "Encodes text from stdin to a line of token ids on stdout.");
  struct Flags {
    std::string model;
    bool special = false, null = false;
  };
  const auto flags = std::make_shared<Flags>();
  add_model_option(command, flags->model);
  command.add_flag("--special", flags->special,
                   "encode names of special tokens as these tokens; without it they are text");
  command.add_flag("--null", flags->null,
                   "read several texts, each ending in a NUL byte, and print a line of ids for each");
  command.callback([flags] {
    const auto tokenizer = tokenizer_of(flags->model, "--model");
    const auto encode = [&](std::string_view text) {
      print_ids(flags->special ? tokenizer->encode_with_special(text) : tokenizer->encode(text));
    };
    const std::string input = read_standard_input("tokenizer encode", held_by_encoding);
    if (!flags->null) return encode(input);
    for (std::size_t begin = 0; begin < input.size();) {
      const std::size_t end = std::min(input.find('\0', begin), input.size());
      encode(std::string_view(input).substr(begin, end - begin));
      begin = end + 1;
    }
  });
}

void add_decode(CLI::App& group) {
  CLI::App& command = *group.add_subcommand("decode", "Decodes token ids from stdin to text on stdout.");
  const auto model = std::make_shared<std::string>();
  add_model_option(command, *model);
  command.callback([model] {
    const auto tokenizer = tokenizer_of(*model, "--model");
    const std::string text = tokenizer->decode(
        parse_ids(read_standard_input("tokenizer decode", held_by_decoding), tokenizer->vocab_size()));
    std::fwrite(text.data(), 1, text.size(), stdout);
  });
}

}  // namespace

void add_tokenizer_command(CLI::App& program) {
  CLI::App& group = *program.add_subcommand("tokenizer", "Trains a tokenizer, or encodes and decodes text with one.");
  group.require_subcommand(1);
  add_train(group);
  add_encode(group);
  add_decode(group);
}

}  // namespace multipl_moe
