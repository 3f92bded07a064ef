#include "multipl_moe/io/window_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

constexpr const char* sliding = "sliding_attention";
constexpr const char* full = "full_attention";

/// Whether each layer has a window according to `layer_types`; empty if the file has no such field.
std::vector<bool> listed_layers(const Fields& fields, std::int64_t layers) {
  std::vector<bool> listed;
  for (const std::string& type : fields.texts("layer_types", {})) {
    // "attention" is an older name of "full_attention".
    if (type != full && type != "attention" && type != sliding)
      throw BadFile(fields.path(),
                    fmt::format("layer_types must be \"{}\" or \"{}\", found \"{}\"", full, sliding, escaped(type)));
    listed.push_back(type == sliding);
  }
  if (!listed.empty() && std::ssize(listed) != layers)
    throw BadFile(fields.path(), fmt::format("layer_types must list the {} of num_hidden_layers, found {}",
                                             counted(layers, "layers"), listed.size()));
  return listed;
}

/// The layers of a family that have a window if the file does not list them.
std::vector<bool> usual_layers(const Fields& fields, WindowLayers family, std::int64_t layers) {
  constexpr std::int64_t usual_first = 28;
  const std::int64_t first = fields.integer("max_window_layers", usual_first);
  std::vector<bool> usual;
  for (std::int64_t layer = 0; layer < layers; ++layer)
    usual.push_back(family == WindowLayers::from_a_layer_on      ? layer >= first
                    : family == WindowLayers::every_other_before ? layer % 2 == 0 && layer < first
                                                                 : true);
  return usual;
}

std::int64_t width_of(const Fields& fields, std::int64_t otherwise) {
  const std::int64_t width = fields.integer("sliding_window", otherwise);
  if (width < 1)
    throw BadFile(fields.path(),
                  fmt::format("sliding_window must be at least 1 where a layer has one, found {}", width));
  return width;
}

std::vector<std::int64_t> widths(const std::vector<bool>& layers, std::int64_t width) {
  std::vector<std::int64_t> windows;
  for (const bool has_window : layers) windows.push_back(has_window ? width : 0);
  return windows;
}

/// If the family does not read `layer_types`, the list must agree with the family's rule.
void require_agreement(const Fields& fields, const std::vector<bool>& listed, bool has_windows) {
  if (std::count(listed.begin(), listed.end(), has_windows) != std::ssize(listed))
    throw BadFile(fields.path(), fmt::format("layer_types must all be \"{}\" in a {} {} sliding_window, found others",
                                             has_windows ? sliding : full, fields.text("model_type", ""),
                                             has_windows ? "with a" : "without a"));
}

/// Whether layers can have a window: the family's switch is on.
bool is_used(const Fields& fields, WindowLayers family) {
  if (family != WindowLayers::all) return fields.boolean("use_sliding_window", false);
  fields.require_equal("use_sliding_window", "false");
  return fields.has("sliding_window");
}

}  // namespace

std::vector<std::int64_t> windows_of(const Fields& fields, WindowLayers family, std::int64_t layers) {
  const std::vector<bool> listed = listed_layers(fields, layers);
  for (const char* name : {"sliding_window", "max_window_layers"}) fields.ignore(name);
  const bool reads_list = has_layer_types(family);
  const bool is_listed = std::find(listed.begin(), listed.end(), true) != listed.end();
  if (!is_used(fields, family)) {
    if (is_listed && reads_list)
      throw BadFile(fields.path(), fmt::format("use_sliding_window must be true where layer_types has \"{}\", found "
                                               "false",
                                               sliding));
    require_agreement(fields, listed, false);
    return {};
  }
  const bool has_width = !fields.is_null("sliding_window");
  if (!has_width && !is_listed && family != WindowLayers::every_other_before) return {};
  const std::vector<bool> chosen = listed.empty() || !reads_list ? usual_layers(fields, family, layers) : listed;
  if (std::find(chosen.begin(), chosen.end(), true) == chosen.end()) return {};
  if (!reads_list) require_agreement(fields, listed, true);
  if (!has_width) throw BadFile(fields.path(), "sliding_window must be a number where a layer has one, found null");
  constexpr std::int64_t usual_width = 4096;
  return widths(chosen, width_of(fields, usual_width));
}

bool has_one_window(std::span<const std::int64_t> windows) {
  return std::all_of(windows.begin(), windows.end(), [&](std::int64_t window) { return window == windows.front(); });
}

nlohmann::ordered_json windows_json(std::span<const std::int64_t> windows) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  if (windows.empty()) return json;
  json["sliding_window"] = *std::max_element(windows.begin(), windows.end());
  const auto first = std::find_if(windows.begin(), windows.end(), [](std::int64_t window) { return window > 0; });
  if (std::find(first, windows.end(), 0) == windows.end()) json["max_window_layers"] = first - windows.begin();
  for (const std::int64_t window : windows) json["layer_types"].push_back(window > 0 ? sliding : full);
  return json;
}

}  // namespace multipl_moe
