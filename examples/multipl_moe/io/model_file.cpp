#include "multipl_moe/io/model_file.hpp"

#include <atomic>

#include "moe/safetensors/own_file.hpp"
#include "multipl_moe/io/file.hpp"

namespace multipl_moe {

namespace fs = std::filesystem;

namespace {

std::atomic<bool> any_link_is_followed = false;

}  // namespace

void require_model_file(const fs::path& folder, const fs::path& path) {
  if (!any_link_is_followed) moe::io::require_own_file(folder, path, "--allow-links follows it");
}

void allow_links(bool allowed) { any_link_is_followed = allowed; }

std::string read_model_file(const fs::path& folder, const std::string& name, std::uint64_t limit) {
  require_model_file(folder, folder / name);
  return read_whole_file(folder / name, limit);
}

}  // namespace multipl_moe
