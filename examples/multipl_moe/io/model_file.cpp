#include "multipl_moe/io/model_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <system_error>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"

namespace multipl_moe {

namespace fs = std::filesystem;

namespace {

std::atomic<bool> any_link_is_followed = false;

/// Both paths must be canonical, so that neither a link in `blobs` nor `blobs` itself leads elsewhere.
bool is_cached(const fs::path& home, const fs::path& target) {
  const fs::path snapshots = home.parent_path();
  return snapshots.filename() == "snapshots" && target.parent_path() == snapshots.parent_path() / "blobs";
}

}  // namespace

void require_model_file(const fs::path& folder, const fs::path& path) {
  std::error_code failed;
  const fs::path home = fs::canonical(folder, failed);
  const fs::path target = failed ? fs::path() : fs::canonical(path, failed);
  if (failed) throw BadFile(path, fmt::format("cannot be opened: {}", failed.message()));
  const bool is_inside = std::mismatch(home.begin(), home.end(), target.begin(), target.end()).first == home.end();
  if (!is_inside && !is_cached(home, target) && !any_link_is_followed)
    throw BadFile(path,
                  fmt::format("must lie in its folder, or in ../../blobs of a folder snapshots/<revision>, found a "
                              "link to {}; --allow-links follows it",
                              escaped(target.native())));
}

void allow_links(bool allowed) { any_link_is_followed = allowed; }

std::string read_model_file(const fs::path& folder, const std::string& name, std::uint64_t limit) {
  require_model_file(folder, folder / name);
  return read_whole_file(folder / name, limit);
}

}  // namespace multipl_moe
