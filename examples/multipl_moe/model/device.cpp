#include "multipl_moe/model/device.hpp"

#include <fmt/format.h>

#include <charconv>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

Device device_named(std::string_view name) {
  if (name == "cpu") return {};
  if (name == "cuda") return {Device::Kind::cuda, 0};
  constexpr std::string_view prefix = "cuda:";
  if (name.starts_with(prefix)) {
    const std::string_view number = name.substr(prefix.size());
    int index = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), index);
    if (error == std::errc() && end == number.data() + number.size() && index >= 0) return {Device::Kind::cuda, index};
  }
  throw UsageError(
      fmt::format("[--device] must be cpu, cuda (the first GPU) or cuda:N with the number of a GPU from 0, found '{}'",
                  escaped(name)));
}

std::string name_of(const Device& device) {
  return device.kind == Device::Kind::cpu ? "cpu" : fmt::format("cuda:{}", device.index);
}

}  // namespace multipl_moe
