#include "multipl_moe/io/mapped_files.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

/// What the signal handler reads. Nodes are only added and never freed.
struct MappedFile {
  std::weak_ptr<const moe::io::FileMapping> mapping;
  const std::byte *begin, *end;
  std::string message;
  const MappedFile* next;
};
std::atomic<const MappedFile*> newest = nullptr;

/// Only functions that POSIX allows in a signal handler, and a read of the mapping's count of owners.
void end_with_message(int signal, siginfo_t* info, void*) {
  const auto* const at = static_cast<const std::byte*>(info->si_addr);
  for (const MappedFile* file = newest.load(); file != nullptr; file = file->next)
    if (file->begin <= at && at < file->end && !file->mapping.expired()) {
      [[maybe_unused]] const auto written = ::write(STDERR_FILENO, file->message.data(), file->message.size());
      ::_exit(5);
    }
  // The read is repeated, and ends the process as if there were no handler.
  std::signal(signal, SIG_DFL);
}

}  // namespace

void name_mapped_file(const std::shared_ptr<const moe::io::FileMapping>& mapping, const std::filesystem::path& path) {
  // Pages are read whole, so the last one reaches past the end of the file.
  const std::size_t page = moe::io::page_bytes(), size = (mapping->bytes().size() + page - 1) / page * page;
  const std::byte* const begin = mapping->bytes().data();
  newest =
      new MappedFile{mapping, begin, begin + size,
                     fmt::format("error: [{}] cannot be read any more: the file was truncated while it was in use, "
                                 "or its disk failed; restore the file and run the command again\n",
                                 escaped(path.native(), 1000)),
                     newest.load()};
  struct sigaction action {};
  action.sa_sigaction = end_with_message;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, nullptr);
}

}  // namespace multipl_moe
