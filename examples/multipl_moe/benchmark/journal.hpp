/// A file of JSON lines that grows while a run goes on, so that a killed run can continue.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "multipl_moe/io/file.hpp"

namespace multipl_moe::benchmark {

class Journal {
 public:
  /// Opens or creates the file. `take` is called with every line that was written before; the file is cut before the
  /// first one that is incomplete or not JSON, or for which `take` throws a JsonFault. Throws IoError, and what `take`
  /// throws.
  Journal(const std::filesystem::path& path, const std::function<void(const nlohmann::json&)>& take);

  /// Appends a line. Throws IoError.
  void add(std::string_view line);

 private:
  std::filesystem::path path_;
  Descriptor file_;
};

}  // namespace multipl_moe::benchmark
