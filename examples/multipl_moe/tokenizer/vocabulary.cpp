#include "multipl_moe/tokenizer/vocabulary.hpp"

#include <bit>

#include "multipl_moe/io/hash.hpp"

namespace multipl_moe {

std::string_view Vocabulary::operator[](Token token) const {
  const std::size_t begin = token == 0 ? 0 : ends_[token - 1];
  return std::string_view(bytes_).substr(begin, ends_[token] - begin);
}

std::size_t Vocabulary::slot_of(std::string_view bytes) const {
  std::size_t slot = hash_of(bytes) & (slots_.size() - 1);
  while (slots_[slot] != empty && (*this)[slots_[slot]] != bytes) slot = (slot + 1) & (slots_.size() - 1);
  return slot;
}

void Vocabulary::make_slots(std::size_t slots) {
  slots_.assign(slots, empty);
  for (std::size_t token = 0; token < size(); ++token)
    slots_[slot_of((*this)[static_cast<Token>(token)])] = static_cast<Token>(token);
}

void Vocabulary::reserve(std::size_t tokens) {
  ends_.reserve(tokens);
  if (2 * tokens > slots_.size()) make_slots(std::bit_ceil(2 * tokens));
}

bool Vocabulary::append(std::string_view bytes) {
  if (2 * (size() + 1) > slots_.size()) make_slots(std::bit_ceil(4 * (size() + 1)));
  const std::size_t slot = slot_of(bytes);
  if (slots_[slot] != empty) return false;
  slots_[slot] = static_cast<Token>(size());
  bytes_ += bytes;
  ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
  return true;
}

std::optional<Token> Vocabulary::find(std::string_view bytes) const {
  if (slots_.empty()) return std::nullopt;
  const Token token = slots_[slot_of(bytes)];
  return token == empty ? std::nullopt : std::optional(token);
}

}  // namespace multipl_moe
