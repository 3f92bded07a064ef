/// Pictures by gnuplot, where the system has it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace multipl_moe {

/// The first executable file of that name in the folders of PATH.
std::optional<std::filesystem::path> find_program(std::string_view name);

/// What a picture needs, except where it goes: gnuplot's data blocks, and the commands that draw it once.
struct Picture {
  std::string name;  ///< of its files, without extension
  int width = 900;   ///< pixels
  int height = 600;  ///< pixels
  std::string data;
  std::string commands;
};

/// `text` inside gnuplot's single quotes, fit to be shown as it is.
std::string plot_text(std::string_view text);

/// The script that draws `picture` as <name>.svg and <name>.png into the current folder.
std::string plot_script(const Picture& picture);

/// Writes <name>.gp for each picture and draws <name>.svg and <name>.png beside it. Without gnuplot, or where it fails,
/// a notice says what is missing; the scripts stay. Throws IoError where a script cannot be written.
void draw_pictures(const std::filesystem::path& folder, const std::vector<Picture>& pictures);

}  // namespace multipl_moe
