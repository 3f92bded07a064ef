#include "multipl_moe/benchmark/journal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <string>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/json_lines.hpp"
#include "multipl_moe/io/strict_json.hpp"

namespace multipl_moe::benchmark {

Journal::Journal(const std::filesystem::path& path, const std::function<void(const nlohmann::json&)>& take)
    : path_(path) {
  std::size_t good = 0;
  if (is_there(path)) {
    const std::string text = read_whole_file(path, largest_json_lines);
    for (std::size_t end; (end = text.find('\n', good)) != text.npos; good = end + 1) try {
        take(parse_strict_json(std::string_view(text).substr(good, end - good)));
      } catch (const JsonFault&) {
        break;
      }
  }
  file_ = Descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (file_.number() < 0) throw IoError(path, "open", errno);
  if (::ftruncate(file_.number(), static_cast<::off_t>(good)) != 0) throw IoError(path, "cut", errno);
}

void Journal::add(std::string_view line) {
  std::string text(line);
  text += '\n';
  for (std::string_view rest = text; !rest.empty();) {
    const ::ssize_t written = ::write(file_.number(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw IoError(path_, "write", errno);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace multipl_moe::benchmark
