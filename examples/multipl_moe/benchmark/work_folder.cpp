#include "multipl_moe/benchmark/work_folder.hpp"

#include <cerrno>
#include <fstream>
#include <system_error>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe::benchmark {

namespace fs = std::filesystem;

fs::path make_folder(const fs::path& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
  create_folders(path);
  fs::permissions(path, fs::perms::all);
  return path;
}

void put_file(const fs::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  if (!file) throw IoError(path, "write", errno);
}

}  // namespace multipl_moe::benchmark
