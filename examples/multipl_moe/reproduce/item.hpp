/// A table or figure of the reproduction: its numbers, and its picture.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "multipl_moe/report/gnuplot.hpp"

namespace multipl_moe::reproduce {

struct ItemRow {
  std::vector<std::string> cells;
  bool is_papers = false;  ///< the paper's own figures
};

struct Item {
  std::string name;     ///< of its files, such as "table1"
  std::string title;    ///< such as "Table 1: pass@1 by language"
  std::string note;     ///< how to read it
  std::string made_of;  ///< the files of the reproduction that it is computed from, as a pattern
  std::vector<std::string> columns;
  std::vector<ItemRow> rows;
  std::string csv;
  std::optional<Picture> picture;
};

/// The folder of items in the folder of a reproduction.
inline constexpr const char* items_folder = "figures";

/// The table in Markdown, the paper's rows in italics.
std::string item_table(const Item& item);

/// Writes NAME.csv and NAME.md of each item, and its picture as NAME.gp, NAME.svg and NAME.png if gnuplot is there, to
/// the items' folder in `folder`; other files there are removed. Another process may do the same. Messages name
/// `named`, if it is given, instead of `folder`. Throws IoError.
void write_items(const std::filesystem::path& folder, std::span<const Item> items,
                 const std::filesystem::path& named = {});

/// A list in Markdown of the items with links to their files.
std::string items_list(std::span<const Item> items);

}  // namespace multipl_moe::reproduce
