// The part of the safetensors reader that parses untrusted text.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moe/core/counted.hpp"
#include "moe/safetensors/dtype.hpp"
#include "moe/safetensors/errors.hpp"
#include "moe/safetensors/header_bytes.hpp"
#include "moe/safetensors/header_outline.hpp"
#include "moe/safetensors/tensor_entry.hpp"

namespace moe::io {

/// The header of a safetensors file.
struct SafetensorsHeader {
  /// Where the tensors' bytes begin, in bytes from the start of the file.
  std::uint64_t data_begin = 0;
  /// Text by name.
  TensorMetadata metadata;
  /// The tensors by name.
  TensorEntries entries;
};

namespace detail {

inline constexpr std::uint64_t largest_header = std::uint64_t{64} << 20;
inline constexpr std::size_t most_metadata = 65'536;
inline constexpr std::size_t most_dimensions = 16;
inline constexpr std::size_t longest_name = 4096;

/// Handles the events of the JSON parser (SAX). A DOM would hide duplicate keys and wrap negative numbers.
class HeaderEvents {
 public:
  HeaderEvents(const HeaderBytes& bytes, SafetensorsHeader& header) : bytes_(bytes), header_(header) {}

  bool start_object(std::size_t) {
    if (at_ == At::start) {
      at_ = At::file;
    } else if (at_ == At::file && name_ == "__metadata__") {
      at_ = At::metadata;
    } else if (at_ == At::file) {
      at_ = At::tensor;
      seen_ = {};
      entry_ = {};
    } else {
      unexpected("an object");
    }
    return true;
  }

  bool key(std::string& text) {
    if (at_ == At::file) {
      file_key(text);
    } else if (at_ == At::metadata) {
      metadata_key(text);
    } else {
      tensor_key(text);
    }
    return true;
  }

  bool end_object() {
    if (at_ == At::tensor) end_tensor();
    at_ = at_ == At::file ? At::start : At::file;
    return true;
  }

  bool start_array(std::size_t) {
    if (at_ != At::tensor || field_ == dtype) unexpected("an array");
    at_ = field_ == shape ? At::shape : At::offsets;
    return true;
  }

  bool end_array() {
    if (at_ == At::offsets && offsets_ != 2) fail(text_of("data_offsets must be two numbers, found ", offsets_));
    at_ = At::tensor;
    return true;
  }

  bool string(std::string& text) {
    if (at_ == At::metadata) {
      header_.metadata.insert_or_assign(metadata_name_, std::move(text));
    } else if (at_ == At::tensor && field_ == dtype) {
      if (!dtype_bytes(text)) fail(text_of("dtype must be a known one, found '", escaped(text), "'"));
      entry_.dtype = std::move(text);
    } else {
      unexpected("a string");
    }
    return true;
  }

  bool number_unsigned(std::uint64_t value) {
    if (at_ == At::shape) {
      if (entry_.shape.size() == most_dimensions)
        fail(text_of("shape must have at most ", most_dimensions, " dimensions"));
      if (value > static_cast<std::uint64_t>((std::numeric_limits<std::int64_t>::max)()))
        fail(text_of("a dimension must be below 2^63, found ", value));
      entry_.shape.push_back(static_cast<std::int64_t>(value));
    } else if (at_ == At::offsets) {
      if (offsets_ == 2) fail("data_offsets must be two numbers, found more");
      (offsets_++ == 0 ? entry_.begin : entry_.end) = value;
    } else {
      unexpected(text_of("the number ", value));
    }
    return true;
  }

  bool number_integer(std::int64_t value) { return unexpected(text_of("the number ", value)); }
  bool number_float(double, const std::string& text) { return unexpected(text_of("the number ", escaped(text))); }
  bool boolean(bool) { return unexpected("a boolean"); }
  /// Some writers use null for absent metadata.
  bool null() { return (at_ == At::file && name_ == "__metadata__") || unexpected("null"); }
  bool binary(std::vector<std::uint8_t>&) { return unexpected("binary data"); }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& error) {
    throw BadFile(bytes_.path(), position + 7,  // the parser counts from 1; 8 bytes precede the header
                  text_of("the header must be JSON: ", escaped(error.what(), 400)));
  }

 private:
  enum class At { start, file, metadata, tensor, shape, offsets };
  enum Field : std::size_t { dtype, shape, data_offsets };
  static constexpr std::array<std::string_view, 3> field_names{"dtype", "shape", "data_offsets"};

  void file_key(std::string& text) {
    name_ = std::move(text);
    if (name_.size() > longest_name)
      fail(text_of("a name must have at most ", longest_name, " bytes, found ", name_.size()));
    if (name_.find('\0') != std::string::npos) fail("a name must not hold a NUL");
    if (name_ == "__metadata__" ? std::exchange(has_metadata_, true) : header_.entries.contains(name_))
      fail("a name must occur once, found it twice");
  }

  void metadata_key(std::string& text) {
    metadata_name_ = std::move(text);
    if (!header_.metadata.emplace(metadata_name_, "").second)
      fail(text_of("a key must occur once, found '", escaped(metadata_name_), "' twice"));
    if (header_.metadata.size() > most_metadata) fail(text_of("there must be at most ", most_metadata, " keys"));
  }

  void tensor_key(std::string& text) {
    const auto* const known = std::find(field_names.begin(), field_names.end(), text);
    if (known == field_names.end())
      fail(text_of("a tensor has dtype, shape and data_offsets, found '", escaped(text), "'"));
    field_ = static_cast<Field>(known - field_names.begin());
    if (std::exchange(seen_[field_], true)) fail(text_of(text, " must occur once, found it twice"));
    offsets_ = 0;
  }

  void end_tensor() {
    for (std::size_t i = 0; i < field_names.size(); ++i)
      if (!seen_[i]) fail(text_of(field_names[i], " is missing"));
    if (entry_.begin > entry_.end)
      fail(text_of("data_offsets must not decrease, found ", entry_.begin, " and ", entry_.end));
    const auto bytes = tensor_bytes(entry_.dtype, entry_.shape);
    if (!bytes) fail("the tensor must have fewer than 2^63 bytes");
    if (*bytes != entry_.bytes())
      fail(text_of(entry_.dtype, " of shape ", bracketed(entry_.shape), " has ", counted(*bytes, "bytes"),
                   ", data_offsets give ", entry_.bytes()));
    header_.entries.emplace(name_, std::move(entry_));
  }

  bool unexpected(const std::string& found) {
    switch (at_) {
      case At::start:
        fail(text_of("the header must be an object, found ", found));
      case At::file:
        fail(text_of("a tensor must be an object, found ", found));
      case At::metadata:
        fail(text_of("metadata must be strings, found ", found));
      case At::tensor:
        fail(text_of(field_names[field_], " cannot be ", found));
      case At::shape:
        fail(text_of("a dimension must be an unsigned integer, found ", found));
      case At::offsets:
        fail(text_of("an offset must be an unsigned integer, found ", found));
    }
    return false;
  }

  [[noreturn]] void fail(const std::string& reason) const {
    const std::string where = name_.empty() ? "" : text_of("'", escaped(name_), "': ");
    throw BadFile(bytes_.path(), bytes_.offset(), where + reason);
  }

  const HeaderBytes& bytes_;
  SafetensorsHeader& header_;
  At at_ = At::start;
  bool has_metadata_ = false;
  std::string name_;
  std::string metadata_name_;
  Field field_ = dtype;
  std::array<bool, 3> seen_{};
  std::size_t offsets_ = 0;
  TensorEntry entry_;
};

/// Throws BadFile unless every byte of data belongs to exactly one tensor.
inline void check_layout(const InputFile& file, const SafetensorsHeader& header) {
  std::vector<const TensorEntries::value_type*> by_begin;
  by_begin.reserve(header.entries.size());
  for (const auto& entry : header.entries) by_begin.push_back(&entry);
  std::sort(by_begin.begin(), by_begin.end(), [](const auto* left, const auto* right) {
    return std::pair(left->second.begin, left->second.end) < std::pair(right->second.begin, right->second.end);
  });
  std::uint64_t end = 0;
  for (const auto* entry : by_begin) {
    if (entry->second.begin != end)
      throw BadFile(file.path(), text_of("'", escaped(entry->first), "': tensors must follow one another without ",
                                         entry->second.begin < end ? "overlap" : "a hole", ", found byte ",
                                         entry->second.begin, " after ", end));
    end = entry->second.end;
  }
  const std::uint64_t data_bytes = file.size() - header.data_begin;
  if (end != data_bytes)
    throw BadFile(file.path(), header.data_begin,
                  text_of("the tensors must end where the file does: they have ", counted(end, "bytes"),
                          ", the file has ", data_bytes, " after its header"));
}

}  // namespace detail

/// Throws BadFile if a rule of the format or a limit of SafetensorsFile::open() is violated. Memory grows with the
/// contents of a valid header, never with the sizes that an invalid one claims: the text is read in pieces, and its
/// outline is checked before anything is stored.
inline SafetensorsHeader read_safetensors_header(const InputFile& file) {
  if (file.size() < 8)
    throw BadFile(file.path(), 0, detail::text_of("a safetensors file has at least 8 bytes, found ", file.size()));
  std::uint64_t size = 0;
  file.read_at(0, std::as_writable_bytes(std::span(&size, 1)));
  if (size > detail::largest_header)
    throw BadFile(file.path(), 0,
                  detail::text_of("the header must have at most ", detail::largest_header, " bytes, found ", size));
  if (size > file.size() - 8)
    throw BadFile(file.path(), 0,
                  detail::text_of("the header must end within the file's ", counted(file.size(), "bytes"), ", found ",
                                  counted(size, "bytes"), " of it"));
  SafetensorsHeader header;
  header.data_begin = size + 8;
  detail::HeaderBytes outline(file, 8, header.data_begin);
  detail::check_header_outline(outline);
  detail::HeaderBytes bytes(file, 8, header.data_begin);
  detail::HeaderEvents events(bytes, header);
  nlohmann::json::sax_parse(detail::HeaderIterator(bytes), detail::HeaderIterator(), &events);
  detail::check_layout(file, header);
  return header;
}

}  // namespace moe::io
