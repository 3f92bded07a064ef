#include "multipl_moe/report/gnuplot.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/notice.hpp"

namespace multipl_moe {

namespace {

namespace fs = std::filesystem;

/// Runs `program script` in `folder`; returns whether it succeeded.
bool runs(const fs::path& program, const std::string& script, const fs::path& folder) {
  const ::pid_t child = ::fork();
  if (child < 0) return false;
  if (child == 0) {
    if (::chdir(folder.c_str()) == 0) ::execl(program.c_str(), program.c_str(), script.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return false;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

std::optional<fs::path> find_program(std::string_view name) {
  const char* const variable = std::getenv("PATH");
  std::string_view folders = variable == nullptr ? "" : variable;
  while (!folders.empty()) {
    const std::size_t end = std::min(folders.find(':'), folders.size());
    const fs::path candidate = fs::path(folders.substr(0, end)) / name;
    std::error_code ignored;
    // The child process runs in another folder, so a relative path would not find the program.
    if (fs::is_regular_file(candidate, ignored) && ::access(candidate.c_str(), X_OK) == 0)
      return fs::absolute(candidate);
    folders.remove_prefix(std::min(end + 1, folders.size()));
  }
  return std::nullopt;
}

std::string plot_text(std::string_view text) {
  std::string shown = "'";
  for (const char c : escaped(text)) shown += c == '\'' ? "''" : std::string(1, c);
  return shown + "'";
}

std::string plot_script(const Picture& picture) {
  std::string script = "set encoding utf8\n" + picture.data;
  const auto draw = [&](const char* terminal, const char* extension) {
    script += fmt::format("\nreset\nset terminal {} size {},{} noenhanced font 'DejaVu Sans,11' background 'white'\n",
                          terminal, picture.width, picture.height);
    script += fmt::format("set output {}\n{}unset output\n", plot_text(picture.name + extension), picture.commands);
  };
  draw("svg", ".svg");
  draw("pngcairo", ".png");
  return script;
}

void draw_pictures(const fs::path& folder, const std::vector<Picture>& pictures, const fs::path& named) {
  const fs::path& shown = named.empty() ? folder : named;
  for (const Picture& picture : pictures) write_file_atomically(folder / (picture.name + ".gp"), plot_script(picture));
  if (pictures.empty()) return;
  const auto gnuplot = find_program("gnuplot");
  if (!gnuplot)
    return notice(
        "note: gnuplot is missing (apt-get install gnuplot-nox), so no pictures were drawn; the tables are complete, "
        "and the scripts in {} draw the pictures\n",
        escaped(shown.native()));
  for (const Picture& picture : pictures)
    if (!runs(*gnuplot, picture.name + ".gp", folder))
      notice("warning: gnuplot cannot draw {}; the tables are complete\n",
             escaped((shown / picture.name).native() + ".gp"));
}

}  // namespace multipl_moe
