// Restricts a folder of tensors to its own files: an untrusted folder must not make a program open files elsewhere.
#pragma once

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "moe/safetensors/errors.hpp"

namespace moe::io {

/// Throws BadFile unless `path`, with every link followed, lies in `folder` or where Hugging Face's cache stores a
/// model's files: links in `snapshots/<revision>` to files directly in the `blobs` beside `snapshots`. `remedy` ends
/// the message about another link.
inline void require_own_file(const std::filesystem::path& folder, const std::filesystem::path& path,
                             std::string_view remedy = {}) {
  namespace fs = std::filesystem;
  std::error_code failed;
  const fs::path home = fs::canonical(folder, failed);
  const fs::path target = failed ? fs::path() : fs::canonical(path, failed);
  if (failed) throw BadFile(path, "cannot be opened: " + failed.message());
  if (std::mismatch(home.begin(), home.end(), target.begin(), target.end()).first == home.end()) return;
  // Both paths are canonical, so that neither a link in `blobs` nor `blobs` itself leads elsewhere.
  const fs::path snapshots = home.parent_path();
  if (snapshots.filename() == "snapshots" && target.parent_path() == snapshots.parent_path() / "blobs") return;
  throw BadFile(path, detail::text_of("must lie in its folder, or in ../../blobs of a folder snapshots/<revision>, "
                                      "found a link to ",
                                      escaped(target.native()), remedy.empty() ? "" : "; ", remedy));
}

/// Called with a folder and each of its files before the file is opened; throws BadFile to refuse it.
using PathCheck = std::function<void(const std::filesystem::path& folder, const std::filesystem::path& path)>;

/// require_own_file() as a PathCheck; `remedy` ends its message about a link to elsewhere.
inline PathCheck own_files_only(std::string remedy = {}) {
  return [remedy = std::move(remedy)](const std::filesystem::path& folder, const std::filesystem::path& path) {
    require_own_file(folder, path, remedy);
  };
}

}  // namespace moe::io
