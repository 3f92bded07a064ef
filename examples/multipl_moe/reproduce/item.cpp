#include "multipl_moe/reproduce/item.hpp"

#include <fmt/format.h>

#include <set>
#include <system_error>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/shared_file.hpp"

namespace multipl_moe::reproduce {

namespace {

namespace fs = std::filesystem;

/// Writes the files of items to `folder`; messages name `output`, where they will be.
void fill(const fs::path& folder, std::span<const Item> items, const fs::path& output) {
  std::vector<Picture> pictures;
  for (const Item& item : items) {
    std::string text = fmt::format("# {}\n\n", item.title);
    if (item.picture) {
      text += fmt::format("![{}]({}.svg)\n\n", item.title, item.name);
      pictures.push_back(*item.picture);
    }
    text += fmt::format("{}\n\n{}\nNumbers: [{}.csv]({}.csv), computed from {}.\n", item.note, item_table(item),
                        item.name, item.name, item.made_of);
    write_file_atomically(folder / (item.name + ".csv"), item.csv);
    write_file_atomically(folder / (item.name + ".md"), text);
  }
  draw_pictures(folder, pictures, output);
}

}  // namespace

std::string item_table(const Item& item) {
  std::string text = "|", line = "|";
  for (std::size_t c = 0; c < item.columns.size(); ++c) {
    text += fmt::format(" {} |", item.columns[c]);
    line += c == 0 ? "---|" : "---:|";
  }
  text += "\n" + line + "\n";
  for (const ItemRow& row : item.rows) {
    text += "|";
    for (const std::string& cell : row.cells)
      text += row.is_papers ? fmt::format(" *{}* |", cell) : fmt::format(" {} |", cell);
    text += "\n";
  }
  return text;
}

void write_items(const fs::path& folder, std::span<const Item> items, const fs::path& named) {
  const fs::path output = folder / items_folder, made = own_partial_path(output);
  create_folders(output);
  create_folders(made);
  try {
    fill(made, items, (named.empty() ? folder : named) / items_folder);
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(made)) names.insert(entry.path().filename().native());
    for (const std::string& name : names) moe::io::rename_to(made / name, output / name);
    for (const auto& entry : fs::directory_iterator(output))
      if (!names.contains(entry.path().filename().native())) fs::remove(entry.path());
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(made, ignored);
    throw;
  }
  fs::remove(made);
}

std::string items_list(std::span<const Item> items) {
  std::string text;
  for (const Item& item : items)
    text += fmt::format("- [{0}]({1}/{2}.md), [{2}.csv]({1}/{2}.csv)\n", item.title, items_folder, item.name);
  return text;
}

}  // namespace multipl_moe::reproduce
