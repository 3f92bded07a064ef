#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/tokenizer/token.hpp"

namespace multipl_moe {

/// The bytes of every token and the token of such bytes.
class Vocabulary {
 public:
  std::size_t size() const noexcept { return ends_.size(); }

  /// Gives `bytes` the next number, from 0 on. False, and nothing changed, where they have one already.
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
  std::vector<std::uint32_t> ends_;  ///< of each token in bytes_
  std::vector<Token> slots_;         ///< a hash table, at most half full; its size is a power of 2
};

}  // namespace multipl_moe
