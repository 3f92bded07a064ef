#include "multipl_moe/tokenizer/tokenizer.hpp"

#include "multipl_moe/tokenizer/byte_tokenizer.hpp"

namespace multipl_moe {

std::shared_ptr<const Tokenizer> byte_tokenizer() {
  static const auto shared = std::make_shared<const ByteTokenizer>();
  return shared;
}

std::shared_ptr<const Tokenizer> read_tokenizer(const std::filesystem::path& /*folder*/) { return byte_tokenizer(); }

}  // namespace multipl_moe
