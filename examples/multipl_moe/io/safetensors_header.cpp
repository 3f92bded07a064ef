#include "multipl_moe/io/safetensors_header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/dtype.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/header_bytes.hpp"
#include "multipl_moe/io/header_outline.hpp"

namespace multipl_moe {

namespace {

constexpr std::uint64_t largest_header = std::uint64_t{64} << 20;
constexpr std::size_t most_metadata = 65'536;
constexpr std::size_t most_dimensions = 16;
constexpr std::size_t longest_name = 4096;

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
    if (at_ == At::offsets && offsets_ != 2) fail(fmt::format("data_offsets must be two numbers, found {}", offsets_));
    at_ = At::tensor;
    return true;
  }

  bool string(std::string& text) {
    if (at_ == At::metadata) {
      header_.metadata.insert_or_assign(metadata_name_, std::move(text));
    } else if (at_ == At::tensor && field_ == dtype) {
      if (!dtype_bytes(text)) fail(fmt::format("dtype must be a known one, found '{}'", escaped(text)));
      entry_.dtype = std::move(text);
    } else {
      unexpected("a string");
    }
    return true;
  }

  bool number_unsigned(std::uint64_t value) {
    if (at_ == At::shape) {
      if (entry_.shape.size() == most_dimensions)
        fail(fmt::format("shape must have at most {} dimensions", most_dimensions));
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        fail(fmt::format("a dimension must be below 2^63, found {}", value));
      entry_.shape.push_back(static_cast<std::int64_t>(value));
    } else if (at_ == At::offsets) {
      if (offsets_ == 2) fail("data_offsets must be two numbers, found more");
      (offsets_++ == 0 ? entry_.begin : entry_.end) = value;
    } else {
      unexpected(fmt::format("the number {}", value));
    }
    return true;
  }

  bool number_integer(std::int64_t value) { return unexpected(fmt::format("the number {}", value)); }
  bool number_float(double, const std::string& text) { return unexpected(fmt::format("the number {}", escaped(text))); }
  bool boolean(bool) { return unexpected("a boolean"); }
  /// Some writers use null for absent metadata.
  bool null() { return (at_ == At::file && name_ == "__metadata__") || unexpected("null"); }
  bool binary(std::vector<std::uint8_t>&) { return unexpected("binary data"); }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& error) {
    throw BadFile(bytes_.path(), position + 7,  // the parser counts from 1; 8 bytes precede the header
                  fmt::format("the header must be JSON: {}", escaped(error.what(), 400)));
  }

 private:
  enum class At { start, file, metadata, tensor, shape, offsets };
  enum Field : std::size_t { dtype, shape, data_offsets };
  static constexpr std::array<std::string_view, 3> field_names{"dtype", "shape", "data_offsets"};

  void file_key(std::string& text) {
    name_ = std::move(text);
    if (name_.size() > longest_name)
      fail(fmt::format("a name must have at most {} bytes, found {}", longest_name, name_.size()));
    if (name_.find('\0') != std::string::npos) fail("a name must not hold a NUL");
    if (name_ == "__metadata__" ? std::exchange(has_metadata_, true) : header_.entries.contains(name_))
      fail("a name must occur once, found it twice");
  }

  void metadata_key(std::string& text) {
    metadata_name_ = std::move(text);
    if (!header_.metadata.emplace(metadata_name_, "").second)
      fail(fmt::format("a key must occur once, found '{}' twice", escaped(metadata_name_)));
    if (header_.metadata.size() > most_metadata) fail(fmt::format("there must be at most {} keys", most_metadata));
  }

  void tensor_key(std::string& text) {
    const auto* const known = std::find(field_names.begin(), field_names.end(), text);
    if (known == field_names.end())
      fail(fmt::format("a tensor has dtype, shape and data_offsets, found '{}'", escaped(text)));
    field_ = static_cast<Field>(known - field_names.begin());
    if (std::exchange(seen_[field_], true)) fail(fmt::format("{} must occur once, found it twice", text));
    offsets_ = 0;
  }

  void end_tensor() {
    for (std::size_t i = 0; i < field_names.size(); ++i)
      if (!seen_[i]) fail(fmt::format("{} is missing", field_names[i]));
    if (entry_.begin > entry_.end)
      fail(fmt::format("data_offsets must not decrease, found {} and {}", entry_.begin, entry_.end));
    const auto bytes = tensor_bytes(entry_.dtype, entry_.shape);
    if (!bytes) fail("the tensor must have fewer than 2^63 bytes");
    if (*bytes != entry_.bytes())
      fail(fmt::format("{} of shape [{}] has {}, data_offsets give {}", entry_.dtype, fmt::join(entry_.shape, ", "),
                       counted(*bytes, "bytes"), entry_.bytes()));
    header_.entries.emplace(name_, std::move(entry_));
  }

  bool unexpected(const std::string& found) {
    switch (at_) {
      case At::start:
        fail(fmt::format("the header must be an object, found {}", found));
      case At::file:
        fail(fmt::format("a tensor must be an object, found {}", found));
      case At::metadata:
        fail(fmt::format("metadata must be strings, found {}", found));
      case At::tensor:
        fail(fmt::format("{} cannot be {}", field_names[field_], found));
      case At::shape:
        fail(fmt::format("a dimension must be an unsigned integer, found {}", found));
      case At::offsets:
        fail(fmt::format("an offset must be an unsigned integer, found {}", found));
    }
    return false;
  }

  [[noreturn]] void fail(const std::string& reason) const {
    const std::string where = name_.empty() ? "" : fmt::format("'{}': ", escaped(name_));
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
void check_layout(const InputFile& file, const SafetensorsHeader& header) {
  std::vector<const TensorEntries::value_type*> by_begin;
  by_begin.reserve(header.entries.size());
  for (const auto& entry : header.entries) by_begin.push_back(&entry);
  std::sort(by_begin.begin(), by_begin.end(), [](const auto* left, const auto* right) {
    return std::pair(left->second.begin, left->second.end) < std::pair(right->second.begin, right->second.end);
  });
  std::uint64_t end = 0;
  for (const auto* entry : by_begin) {
    if (entry->second.begin != end)
      throw BadFile(file.path(), fmt::format("'{}': tensors must follow one another without {}, found byte {} after {}",
                                             escaped(entry->first), entry->second.begin < end ? "overlap" : "a hole",
                                             entry->second.begin, end));
    end = entry->second.end;
  }
  const std::uint64_t data_bytes = file.size() - header.data_begin;
  if (end != data_bytes)
    throw BadFile(file.path(), header.data_begin,
                  fmt::format("the tensors must end where the file does: they have {}, "
                              "the file has {} after its header",
                              counted(end, "bytes"), data_bytes));
}

}  // namespace

SafetensorsHeader read_safetensors_header(const InputFile& file) {
  if (file.size() < 8)
    throw BadFile(file.path(), 0, fmt::format("a safetensors file has at least 8 bytes, found {}", file.size()));
  std::uint64_t size = 0;
  file.read_at(0, std::as_writable_bytes(std::span(&size, 1)));
  if (size > largest_header)
    throw BadFile(file.path(), 0, fmt::format("the header must have at most {} bytes, found {}", largest_header, size));
  if (size > file.size() - 8)
    throw BadFile(file.path(), 0,
                  fmt::format("the header must end within the file's {}, found {} of it", counted(file.size(), "bytes"),
                              counted(size, "bytes")));
  SafetensorsHeader header;
  header.data_begin = size + 8;
  HeaderBytes outline(file, 8, header.data_begin);
  check_header_outline(outline);
  HeaderBytes bytes(file, 8, header.data_begin);
  HeaderEvents events(bytes, header);
  nlohmann::json::sax_parse(HeaderIterator(bytes), HeaderIterator(), &events);
  check_layout(file, header);
  return header;
}

}  // namespace multipl_moe
