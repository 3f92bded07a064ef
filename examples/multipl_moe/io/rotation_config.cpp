#include "multipl_moe/io/rotation_config.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

/// What an object of the file says; a name in front of the base for messages.
struct Base {
  std::string name;
  double value;
};

void require_same(const Fields& fields, std::optional<Base>& known, Base found) {
  if (known && known->value != found.value)
    throw BadFile(fields.path(), fmt::format("{} must be the base of {}, {}, found {}", found.name, known->name,
                                             known->value, found.value));
  if (!known) known = std::move(found);
}

/// One object that names a kind. Stretched by 1, positions are as they were.
void require_plain(const Fields& rotation) {
  const bool stretches = !rotation.has("factor") || !rotation.is_absent_or("factor", "1");
  for (const char* name : {"rope_type", "type"}) {
    rotation.ignore(name);
    if (stretches || !rotation.is_absent_or(name, "\"linear\"")) rotation.require_one_of(name, {"default"});
  }
  for (const char* name : {"factor", "partial_rotary_factor", "attention_factor"}) rotation.require_equal(name, "1");
  // Of kinds that stretch positions, for whose factors this is the length before.
  rotation.ignore("original_max_position_embeddings");
}

/// An object, which may hold others for types of layers, beside fields of its own or alone.
std::optional<Base> read_object(const Fields& rotation, const std::string& name, double outer) {
  std::optional<Base> base;
  const auto objects = rotation.objects();
  for (const auto& [type, inner] : objects) {
    require_plain(inner);
    require_same(rotation, base, {fmt::format("{}.{}", name, escaped(type, 60)), inner.number("rope_theta", outer)});
    inner.require_all_read();
  }
  require_plain(rotation);
  if (objects.empty() || rotation.has("rope_theta"))
    require_same(rotation, base, {name, rotation.number("rope_theta", outer)});
  rotation.require_all_read();
  return base;
}

}  // namespace

double rotation_base(const Fields& fields, double otherwise) {
  fields.require_equal("partial_rotary_factor", "1");
  const double outer = fields.number("rope_theta", otherwise);
  std::optional<Base> base;
  for (const char* name : {"rope_scaling", "rope_parameters"}) {
    fields.ignore(name);
    if (fields.is_absent_or(name, "{}")) continue;
    if (auto found = read_object(*fields.object(name), name, outer)) require_same(fields, base, std::move(*found));
  }
  return base ? base->value : outer;
}

}  // namespace multipl_moe
