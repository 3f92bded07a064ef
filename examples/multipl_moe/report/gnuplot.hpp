/// Pictures drawn by gnuplot, if it is installed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace multipl_moe {

/// The first executable file of that name in the folders of PATH.
std::optional<std::filesystem::path> find_program(std::string_view name);

/// A picture without its output file: gnuplot's data blocks, and the commands that draw it once.
struct Picture {
  std::string name;  ///< name of its files, without extension
  int width = 900;   ///< pixels
  int height = 600;  ///< pixels
  std::string data;
  std::string commands;
};

/// `text` in gnuplot's single quotes, escaped so that it is shown literally.
std::string plot_text(std::string_view text);

/// The script that draws `picture` as <name>.svg and <name>.png into the current folder.
std::string plot_script(const Picture& picture);

/// Writes <name>.gp for each picture and draws <name>.svg and <name>.png in the same folder. Without gnuplot, or if it
/// fails, a notice reports what is missing; the scripts stay. Throws IoError if a script cannot be written.
/// `named`: the folder in notices, to which the files are moved afterwards; empty: `folder`.
void draw_pictures(const std::filesystem::path& folder, const std::vector<Picture>& pictures,
                   const std::filesystem::path& named = {});

}  // namespace multipl_moe
