// Writes models piece by piece, in files of a limited size; only one piece is in memory at a time.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "moe/core/counted.hpp"
#include "moe/core/require.hpp"
#include "moe/safetensors/dtype.hpp"
#include "moe/safetensors/errors.hpp"
#include "moe/safetensors/file.hpp"
#include "moe/safetensors/tensor_entry.hpp"
#include "moe/safetensors/writer.hpp"

namespace moe::io {

/// Writes `<stem>.safetensors` if all tensors fit into one file, otherwise `<stem>-0000k-of-0000n.safetensors` and
/// `<stem>.safetensors.index.json`. Tensors are sorted by element width, widest first, and then by name, which aligns
/// every tensor. Equal arguments and values give bitwise identical files. Not atomic: to be used in a folder that is
/// renamed or emptied into its place afterwards.
class ShardedWriter {
 public:
  /// Plans all files without accessing the disk. A shard holds at most `max_shard_bytes` of tensors, or a single larger
  /// tensor. Throws Error if a name occurs twice or is `__metadata__`, if a dtype or shape is invalid, and if
  /// `max_shard_bytes` is 0.
  ShardedWriter(std::filesystem::path folder, std::string stem, std::vector<PlannedTensor> tensors,
                std::uint64_t max_shard_bytes = default_shard_bytes, TensorMetadata metadata = {{"format", "pt"}})
      : folder_(std::move(folder)), stem_(std::move(stem)), tensors_(std::move(tensors)) {
    require(max_shard_bytes > 0, "max_shard_bytes", "must be at least 1 byte, found 0");
    for (const PlannedTensor& tensor : tensors_) static_cast<void>(planned_bytes(folder_, tensor));
    std::sort(tensors_.begin(), tensors_.end(), [](const PlannedTensor& left, const PlannedTensor& right) {
      return std::tuple(*dtype_bytes(right.dtype), std::string_view(left.name)) <
             std::tuple(*dtype_bytes(left.dtype), std::string_view(right.name));
    });
    for (const PlannedTensor& tensor : tensors_) tensor_bytes_.push_back(planned_bytes(folder_, tensor));
    cut(max_shard_bytes);
    name_shards(metadata);
  }

  /// The order in which the tensors must be written.
  const std::vector<PlannedTensor>& order() const noexcept { return tensors_; }
  /// Bytes of all files together, headers and index included.
  std::uint64_t total_bytes() const noexcept { return total_bytes_; }
  /// Number of files that hold tensors.
  std::size_t shards() const noexcept { return shards_.size(); }
  /// The names of all files, the index last.
  std::vector<std::string> file_names() const {
    std::vector<std::string> names;
    for (const Shard& shard : shards_) names.push_back(shard.name);
    if (!index_.empty()) names.push_back(index_name());
    return names;
  }

  /// Writes the next bytes of the tensors in their order, row-major and little-endian; a call may end within a tensor
  /// or span several. Throws Error if there are more bytes than planned; IoError.
  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      if (!find_place()) fail_complete(detail::text_of(counted(bytes.size(), "bytes")));
      const auto count = (std::min<std::uint64_t>)(bytes.size(), tensor_bytes_[tensor_] - written_of_tensor_);
      put(bytes.first(count));
      bytes = bytes.subspan(count);
    }
  }
  /// Writes the next values, converted to their tensor's dtype, rounding to nearest, ties to even. Throws ValueTooLarge
  /// if a finite value would become infinite; Error as write(), and if the dtype is not a float dtype or write()
  /// stopped inside an element; IoError.
  void write_floats(std::span<const float> values) { write_converted(values); }
  /// The same for double.
  void write_floats(std::span<const double> values) { write_converted(values); }
  /// Must be called after everything is written; makes all files durable. Throws Error if something is missing;
  /// IoError.
  void finish() {
    if (find_place())
      throw Error(detail::text_of('[', escaped(folder_.native()), "] '", escaped(tensors_[tensor_].name),
                                  "' must have ", counted(tensor_bytes_[tensor_], "bytes"), ", found ",
                                  written_of_tensor_, " written and ",
                                  counted(tensors_.size() - tensor_ - 1, "tensors"), " after it"));
    if (index_.empty()) return;
    CheckedFile file(folder_ / index_name(), index_.size());
    file.write(index_);
    file.close();
  }

 private:
  struct Shard {
    std::string name;
    std::size_t first = 0, last = 0;  ///< range of tensors_, last excluded
    std::string header;               ///< including the 8-byte length
    std::uint64_t bytes = 0;          ///< header included
  };

  std::string index_name() const { return stem_ + ".safetensors.index.json"; }

  void cut(std::uint64_t max_shard_bytes) {
    shards_.emplace_back();
    std::uint64_t data = 0;
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      if (data > 0 && tensor_bytes_[i] > max_shard_bytes - (std::min)(data, max_shard_bytes)) {
        shards_.push_back({.name = {}, .first = i, .last = i, .header = {}, .bytes = 0});
        data = 0;
      }
      data += tensor_bytes_[i];
      shards_.back().last = i + 1;
    }
  }

  static std::string five_digits(std::size_t number) {
    const std::string digits = std::to_string(number);
    return std::string(5 - (std::min<std::size_t>)(digits.size(), 5), '0') + digits;
  }

  void name_shards(const TensorMetadata& metadata) {
    for (std::size_t s = 0; s < shards_.size(); ++s) {
      Shard& shard = shards_[s];
      shard.name = stem_;
      if (shards_.size() > 1) shard.name += "-" + five_digits(s + 1) + "-of-" + five_digits(shards_.size());
      shard.name += ".safetensors";
      shard.header = safetensors_header(folder_ / shard.name,
                                        std::span(tensors_).subspan(shard.first, shard.last - shard.first), metadata);
      shard.bytes = shard.header.size();
      for (std::size_t i = shard.first; i < shard.last; ++i) shard.bytes += tensor_bytes_[i];
      total_bytes_ += shard.bytes;
    }
    if (shards_.size() > 1) index_ = index_text();
    total_bytes_ += index_.size();
  }

  /// Throws Error if two shards have a tensor of the same name; a header only covers its own shard.
  std::string index_text() const {
    std::uint64_t tensor_total = 0;
    std::map<std::string_view, std::string_view> shard_of;
    for (const Shard& shard : shards_)
      for (std::size_t i = shard.first; i < shard.last; ++i) {
        tensor_total += tensor_bytes_[i];
        if (!shard_of.emplace(tensors_[i].name, shard.name).second)
          throw Error(detail::text_of('[', escaped(folder_.native()), "] the tensor name '", escaped(tensors_[i].name),
                                      "' must be unused, found it in use"));
      }
    nlohmann::ordered_json json;
    json["metadata"] = {{"total_size", tensor_total}};
    auto& map = json["weight_map"] = nlohmann::ordered_json::object();
    for (const auto& [name, shard] : shard_of)
      map.get_ref<nlohmann::ordered_json::object_t&>().emplace_back(std::string(name), std::string(shard));
    return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }

  /// Advances to the tensor of the next byte, past completed tensors and files. False at the end.
  bool find_place() {
    for (; shard_ < shards_.size(); ++shard_) {
      const Shard& shard = shards_[shard_];
      if (!file_) {
        file_ = std::make_unique<CheckedFile>(folder_ / shard.name, shard.bytes);
        file_->write(shard.header);
      }
      for (; tensor_ < shard.last; ++tensor_, written_of_tensor_ = 0)
        if (written_of_tensor_ < tensor_bytes_[tensor_]) return true;
      file_->close();
      file_.reset();
    }
    return false;
  }

  [[noreturn]] void fail_complete(const std::string& more) const {
    throw Error(detail::text_of('[', escaped(folder_.native()), "] the tensors are complete, found ", more, " more"));
  }

  void put(std::span<const std::byte> bytes) {
    file_->write(bytes);
    written_of_tensor_ += bytes.size();
  }

  template <class Real>
  void write_converted(std::span<const Real> values) {
    std::array<std::byte, 32768> piece;
    while (!values.empty()) {
      if (!find_place()) fail_complete(detail::text_of(counted(values.size(), "values")));
      const PlannedTensor& tensor = tensors_[tensor_];
      const std::uint64_t width = *dtype_bytes(tensor.dtype);
      if (written_of_tensor_ % width != 0)
        throw Error(detail::text_of('[', escaped(tensor.name), "] must continue at an element boundary, found ",
                                    written_of_tensor_, " of ", counted(tensor_bytes_[tensor_], "bytes"), " written"));
      const auto count = (std::min<std::uint64_t>)({values.size(), piece.size() / width,
                                                    (tensor_bytes_[tensor_] - written_of_tensor_) / width});
      const auto bytes = std::span(piece).first(count * width);
      require_fit(tensor, values.first(count));
      encode_floats(tensor.dtype, values.first(count), bytes);
      put(bytes);
      values = values.subspan(count);
    }
  }

  /// Throws ValueTooLarge if one of the next values of the tensor would become infinite.
  template <class Real>
  void require_fit(const PlannedTensor& tensor, std::span<const Real> values) const {
    const std::size_t at = first_too_large(tensor.dtype, values);
    if (at == values.size()) return;
    const std::uint64_t first = written_of_tensor_ / *dtype_bytes(tensor.dtype);
    throw ValueTooLarge(detail::text_of("[dtype] '", escaped(tensor.name), "' must have values of at most ",
                                        detail::Shortest{largest_of(tensor.dtype)}, " to be written as ",
                                        name_of_float(tensor.dtype), ", found ", detail::Shortest{values[at]}, " at ",
                                        place_in(tensor.shape, first + at), ": it would become infinite; ",
                                        std::is_same_v<Real, float> ? "float32" : "float64", " holds it"));
  }

  std::filesystem::path folder_;
  std::string stem_;
  std::vector<PlannedTensor> tensors_;
  std::vector<std::uint64_t> tensor_bytes_;
  std::vector<Shard> shards_;
  std::string index_;
  std::uint64_t total_bytes_ = 0;
  std::size_t shard_ = 0, tensor_ = 0;
  std::uint64_t written_of_tensor_ = 0;
  std::unique_ptr<CheckedFile> file_;
};

}  // namespace moe::io
