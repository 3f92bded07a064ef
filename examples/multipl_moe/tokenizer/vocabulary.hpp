#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/tokenizer/token.hpp"

namespace multipl_moe {

/// The map from tokens to their bytes and back.
class Vocabulary {
 public:
  std::size_t size() const noexcept { return ends_.size(); }

  /// Appends a token with the next id, from 0 on. Returns false, without a change, if `bytes` is a token already.
  bool append(std::string_view bytes);
  void reserve(std::size_t tokens);

  std::optional<Token> find(std::string_view bytes) const;
  /// `token` must be below size().
  std::string_view operator[](Token token) const;

 private:
  static constexpr Token empty = ~Token{0};

  std::size_t slot_of(std::string_view bytes) const;
  void make_slots(std::size_t slots);

  std::string bytes_;
  std::vector<std::uint32_t> ends_;  ///< end of each token in bytes_
  std::vector<Token> slots_;         ///< a hash table, at most half full; its size is a power of 2
};

}  // namespace multipl_moe
