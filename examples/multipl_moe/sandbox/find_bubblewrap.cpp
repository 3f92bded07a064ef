#include "multipl_moe/sandbox/find_bubblewrap.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/sandbox/launch.hpp"
#include "multipl_moe/sandbox/proc_text.hpp"
#include "multipl_moe/sandbox/running.hpp"

namespace multipl_moe::sandbox {

namespace fs = std::filesystem;

namespace {

/// Earlier versions lack --disable-userns and --size.
constexpr std::array<int, 3> oldest_version{0, 8, 0};

/// What the program prints; it is one of the system's and ends soon.
std::string output_of(const std::vector<std::string>& command) {
  Channel pipe = output_channel();
  const Descriptor nothing = open_file("/dev/null", O_RDWR);
  Launch start;
  start.command = command;
  start.descriptors = {nothing.number(), pipe.theirs.number(), nothing.number()};
  Running running(launch(start));
  pipe.theirs = Descriptor();
  Output output{std::move(pipe.ours), {}};
  running.wait();
  output.read(60000);
  return output.text;
}

std::array<int, 3> version_in(std::string_view text) {
  std::array<int, 3> version{};
  const std::vector<std::string_view> numbers = split(text.substr(std::min(text.find(' '), text.size())), '.');
  for (std::size_t i = 0; i < version.size() && i < numbers.size(); ++i)
    version[i] = static_cast<int>(first_number(numbers[i]));
  return version;
}

}  // namespace

Isolation find_bubblewrap(const fs::path& wanted) {
  Isolation isolation;
  const std::vector<fs::path> places =
      wanted.empty() ? std::vector<fs::path>{"/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"}
                     : std::vector<fs::path>{wanted};
  const auto found = std::find_if(places.begin(), places.end(),
                                  [](const fs::path& path) { return ::access(path.c_str(), X_OK) == 0; });
  if (found == places.end())
    throw Failure(
        fmt::format("[sandbox] programs are isolated by bubblewrap, and {} was not found; apt-get install "
                    "bubblewrap",
                    escaped(places.front().native(), 200)));
  isolation.bubblewrap = *found;
  const std::array<int, 3> version = version_in(output_of({*found, "--version"}));
  isolation.version = fmt::format("{}", fmt::join(version, "."));
  if (version < oldest_version)
    throw Failure(
        fmt::format("[sandbox] bubblewrap is {} or newer, found {} ({}); Debian 12 and Ubuntu 24.04 have a "
                    "newer one",
                    fmt::join(oldest_version, "."), isolation.version, escaped(found->native(), 200)));
  isolation.system_binds = system_binds("/");
  return isolation;
}

}  // namespace multipl_moe::sandbox
