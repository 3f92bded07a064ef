#include "multipl_moe/io/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

Descriptor::Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

int Descriptor::release() noexcept { return std::exchange(number_, -1); }

namespace {

bool is_about_the_path(int error_number) {
  return error_number == ENOENT || error_number == EACCES || error_number == EPERM || error_number == ENOTDIR ||
         error_number == ELOOP || error_number == ENAMETOOLONG || error_number == ENXIO || error_number == EINVAL;
}

}  // namespace

bool is_there(const std::filesystem::path& path) {
  std::error_code failed;
  return std::filesystem::exists(std::filesystem::symlink_status(path, failed));
}

InputFile::InputFile(std::filesystem::path path, Descriptor file, std::uint64_t size)
    : path_(std::move(path)), file_(std::move(file)), size_(size) {}

InputFile InputFile::open(const std::filesystem::path& path) {
  // Without O_NONBLOCK, open() of a FIFO would wait for a writer.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.number() < 0) {
    const int error_number = errno;
    if (!is_about_the_path(error_number)) throw IoError(path, "open", error_number);
    throw BadFile(path, fmt::format("cannot be opened: {}", std::generic_category().message(error_number)));
  }
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) throw IoError(path, "inspect", errno);
  if (!S_ISREG(status.st_mode))
    throw BadFile(path, S_ISDIR(status.st_mode) ? "must be a regular file, found a folder"
                                                : "must be a regular file, found a special file");
  return InputFile(path, std::move(file), static_cast<std::uint64_t>(status.st_size));
}

void InputFile::read_at(std::uint64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ::ssize_t read = ::pread(file_.number(), bytes.data(), bytes.size(), static_cast<::off_t>(offset));
    if (read < 0) {
      if (errno == EINTR) continue;
      throw IoError(path_, "read", errno);
    }
    if (read == 0)
      throw BadFile(path_, offset, fmt::format("the file ends {} too early", counted(bytes.size(), "bytes")));
    offset += static_cast<std::uint64_t>(read);
    bytes = bytes.subspan(static_cast<std::size_t>(read));
  }
}

std::string read_whole_file(const std::filesystem::path& path, std::uint64_t limit) {
  const InputFile file = InputFile::open(path);
  if (file.size() > limit)
    throw BadFile(path, fmt::format("must have at most {}, found {}", counted(limit, "bytes"), file.size()));
  std::string text(file.size(), '\0');
  file.read_at(0, std::as_writable_bytes(std::span(text)));
  return text;
}

CheckedFile::CheckedFile(std::filesystem::path path, int open_flags, std::uint64_t expected_bytes)
    : path_(std::move(path)), file_(::open(path_.c_str(), open_flags | O_CLOEXEC, 0666)), expected_(expected_bytes) {
  if (file_.number() < 0) throw IoError(path_, (open_flags & O_CREAT) != 0 ? "create" : "open", errno, expected_);
}

CheckedFile::CheckedFile(std::filesystem::path path, std::uint64_t expected_bytes)
    : CheckedFile(std::move(path), O_WRONLY | O_CREAT | O_TRUNC, expected_bytes) {}

CheckedFile CheckedFile::continued(std::filesystem::path path, std::uint64_t kept_bytes) {
  CheckedFile file(std::move(path), O_WRONLY, 0);
  if (::ftruncate(file.file_.number(), static_cast<::off_t>(kept_bytes)) != 0)
    throw IoError(file.path_, "truncate", errno);
  if (::lseek(file.file_.number(), 0, SEEK_END) < 0) throw IoError(file.path_, "seek in", errno);
  file.written_ = kept_bytes;
  return file;
}

void CheckedFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ::ssize_t wrote = ::write(file_.number(), bytes.data(), bytes.size());
    if (wrote < 0) {
      if (errno == EINTR) continue;
      throw IoError(path_, "write", errno, std::max(expected_, written_ + bytes.size()));
    }
    written_ += static_cast<std::uint64_t>(wrote);
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
}

void CheckedFile::write(std::string_view text) { write(std::as_bytes(std::span(text))); }

void CheckedFile::rewrite_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ::ssize_t wrote = ::pwrite(file_.number(), bytes.data(), bytes.size(), static_cast<::off_t>(offset));
    if (wrote < 0) {
      if (errno == EINTR) continue;
      throw IoError(path_, "write", errno, std::max(expected_, written_));
    }
    offset += static_cast<std::uint64_t>(wrote);
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
}

void CheckedFile::sync() {
  // Pipes and devices have nothing to sync and return EINVAL.
  if (::fsync(file_.number()) != 0 && errno != EINVAL)
    throw IoError(path_, "sync", errno, std::max(expected_, written_));
}

void CheckedFile::close() {
  sync();
  if (::close(file_.release()) != 0) throw IoError(path_, "close", errno, std::max(expected_, written_));
}

void sync_path(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0) throw IoError(path, "open", errno);
  if (::fsync(file.number()) != 0 && errno != EINVAL) throw IoError(path, "sync", errno);
}

}  // namespace multipl_moe
