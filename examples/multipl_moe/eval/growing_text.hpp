/// A text that comes token by token and ends where it must.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/io/utf8_stream.hpp"

namespace multipl_moe {

/// Takes bytes and gives the text that may be shown: whole characters that no stop text can swallow any more. In all
/// that is the text before the first stop text, whoever shows it when.
class GrowingText {
 public:
  /// None of `stops` is empty.
  explicit GrowingText(std::vector<std::string> stops) : stops_(std::move(stops)) {}

  std::string add(std::string_view bytes);
  /// Whether a stop text has ended the text; nothing is added then.
  bool has_stopped() const { return stopped_; }
  /// What was held back when nothing more comes.
  std::string finish();

 private:
  std::vector<std::string> stops_;
  std::string open_;  ///< what could still be the beginning of a stop text
  Utf8Stream characters_;
  bool stopped_ = false;
};

}  // namespace multipl_moe
