/// The flag --shape, which several subcommands share.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>

#include "bench/shapes.hpp"

namespace moe_bench {

/// Rejects texts that are not shapes, with a message that lists the valid ones.
inline CLI::Validator known_shape() {
  return CLI::Validator(
      [](std::string& text) {
        if (parse_shape(text)) return std::string();
        std::string names;
        for (const Shape& shape : named_shapes()) names += shape.name + ", ";
        return fmt::format("must be {}or TxDxFxExK with sizes of 1 or more and K at most E, found {}", names, text);
      },
      "");
}

/// Help text of --shape.
inline std::string shape_help() {
  std::string names;
  for (const Shape& shape : named_shapes())
    names += fmt::format("{}{} ({}x{}x{}x{}x{})", names.empty() ? "" : ", ", shape.name, shape.rows, shape.width,
                         shape.hidden, shape.experts, shape.chosen);
  return "sizes as rows x width x inner channels x experts x experts per row, or a name: " + names;
}

}  // namespace moe_bench
