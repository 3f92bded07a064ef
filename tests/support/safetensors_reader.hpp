/// Reads the safetensors files of the tests: tensors of one type, float32 or float64, and metadata, in a header without
/// spaces or escapes. The library's own reader needs nlohmann-json, which most tests do not depend on.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <stdexcept>
#include <string>
#include <vector>

namespace moe::testing {

/// One tensor, row-major.
template <class Real>
struct StoredTensorOf {
  std::vector<std::size_t> shape;
  std::vector<Real> values;
};
using StoredTensor = StoredTensorOf<float>;

template <class Real>
struct StoredFileOf {
  std::map<std::string, std::string> metadata;
  std::map<std::string, StoredTensorOf<Real>> tensors;
};
using StoredFile = StoredFileOf<float>;

/// Skips tensors of another type than Real. Throws std::runtime_error if the file is missing or truncated.
template <class Real = float>
StoredFileOf<Real> read_safetensors(const std::string& path) {
  static_assert(std::endian::native == std::endian::little);
  std::ifstream stream(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  std::uint64_t length = 0;
  if (bytes.size() < sizeof length) throw std::runtime_error("cannot read " + path);
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length > bytes.size() - sizeof length) throw std::runtime_error("the header is truncated: " + path);
  const std::string header = bytes.substr(sizeof length, length), data = bytes.substr(sizeof length + length);

  const std::string type = "F" + std::to_string(8 * sizeof(Real));
  const std::regex metadata(R"("__metadata__":\{[^}]*\})"), text(R"xx("([^"]*)":"([^"]*)")xx"), number("[0-9]+"),
      tensor(R"xx("([^"]*)":\{"dtype":")xx" + type +
             R"xx(","shape":\[([0-9,]*)\],"data_offsets":\[([0-9]+),([0-9]+)\]\})xx");
  const std::sregex_iterator end;
  StoredFileOf<Real> file;
  if (std::smatch found; std::regex_search(header, found, metadata)) {
    const std::string inside = found.str();
    for (std::sregex_iterator at(inside.begin(), inside.end(), text); at != end; ++at)
      file.metadata[(*at)[1]] = (*at)[2];
  }
  for (std::sregex_iterator at(header.begin(), header.end(), tensor); at != end; ++at) {
    StoredTensorOf<Real>& stored = file.tensors[(*at)[1]];
    std::size_t count = 1;
    const std::string shape = (*at)[2];
    for (std::sregex_iterator extent(shape.begin(), shape.end(), number); extent != end; ++extent)
      count *= stored.shape.emplace_back(std::stoull(extent->str()));
    const std::size_t from = std::stoull((*at)[3]), to = std::stoull((*at)[4]);
    if (to > data.size() || to - from != count * sizeof(Real))
      throw std::runtime_error((*at)[1].str() + " is truncated: " + path);
    stored.values.resize(count);
    std::memcpy(stored.values.data(), data.data() + from, to - from);
  }
  return file;
}

}  // namespace moe::testing
