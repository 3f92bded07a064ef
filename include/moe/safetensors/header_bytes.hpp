#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <span>

#include "moe/safetensors/file.hpp"

namespace moe::io::detail {

/// Iterates over a range of a file one byte at a time and holds only a piece of it in memory.
class HeaderBytes {
 public:
  /// The bytes [begin, end) of a file, which must outlive the iteration.
  HeaderBytes(const InputFile& file, std::uint64_t begin, std::uint64_t end)
      : file_(file), position_(begin), piece_end_(begin), end_(end) {
    fill();
  }

  /// Whether all bytes have been visited.
  bool done() const { return position_ == end_; }
  /// The byte at offset().
  char current() const { return piece_[piece_.size() - static_cast<std::size_t>(piece_end_ - position_)]; }
  /// Goes to the next byte. Throws as InputFile::read_at().
  void advance() {
    if (++position_ == piece_end_) fill();
  }
  /// Offset of current(), in bytes from the start of the file.
  std::uint64_t offset() const { return position_; }
  /// The file's path.
  const std::filesystem::path& path() const { return file_.path(); }

 private:
  /// Reads the next piece into the end of the buffer, so that one subtraction finds the current byte.
  void fill() {
    const auto bytes = static_cast<std::size_t>((std::min<std::uint64_t>)(piece_.size(), end_ - position_));
    file_.read_at(position_, std::as_writable_bytes(std::span(piece_).last(bytes)));
    piece_end_ = position_ + bytes;
  }

  const InputFile& file_;
  std::uint64_t position_;
  std::uint64_t piece_end_;
  std::uint64_t end_;
  std::array<char, 16384> piece_;
};

/// HeaderBytes as the input iterator that the JSON parser requires; a default-constructed one is the end.
class HeaderIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  HeaderIterator() = default;
  /// Continues at the current byte of `bytes`.
  explicit HeaderIterator(HeaderBytes& bytes) : bytes_(&bytes) {}

  /// The current byte.
  char operator*() const { return bytes_->current(); }
  /// Goes to the next byte.
  HeaderIterator& operator++() {
    bytes_->advance();
    return *this;
  }
  /// Goes to the next byte.
  void operator++(int) { bytes_->advance(); }
  /// Whether both or neither are at the end.
  bool operator==(const HeaderIterator& other) const { return at_end() == other.at_end(); }

 private:
  bool at_end() const { return bytes_ == nullptr || bytes_->done(); }

  HeaderBytes* bytes_ = nullptr;
};

}  // namespace moe::io::detail
