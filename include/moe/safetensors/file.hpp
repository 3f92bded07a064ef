// Robust file access: the reader survives a file that shrinks while it is read (there is no mapping, so no SIGBUS),
// and the writer reports every failure up to and including close.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "moe/core/counted.hpp"
#include "moe/safetensors/errors.hpp"

namespace moe::io {

/// Whether anything of that name exists. A dangling link counts as existing, so that opening it is refused with its
/// name.
inline bool is_there(const std::filesystem::path& path) {
  std::error_code failed;
  return std::filesystem::exists(std::filesystem::symlink_status(path, failed));
}

/// Throws IoError (ENOSPC, with the needed and the free bytes) if fewer than `bytes` are free for `path`. Called before
/// a save writes its first byte, so that a full disk is not detected only after an hour of writing.
inline void require_free_disk(const std::filesystem::path& path, std::uint64_t bytes) {
  const auto free = free_disk_bytes(path);
  if (free && *free < bytes) throw IoError(path, "save", ENOSPC, bytes);
}

/// Owns a POSIX file descriptor; -1: none.
class Descriptor {
 public:
  Descriptor() = default;
  /// Takes ownership of an open descriptor.
  explicit Descriptor(int number) : number_(number) {}
  /// Leaves the other one without a descriptor.
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  /// Exchanges the two descriptors.
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }

  /// The descriptor's number.
  int number() const noexcept { return number_; }
  /// Gives up ownership and returns the number.
  int release() noexcept { return std::exchange(number_, -1); }

 private:
  int number_ = -1;
};

/// A regular file, read by position.
class InputFile {
 public:
  /// Throws BadFile if `path` does not exist, may not be read, or is not a regular file
  /// (a FIFO is refused without waiting for its writer).
  static InputFile open(const std::filesystem::path& path) {
    // Without O_NONBLOCK, open() of a FIFO would wait for a writer.
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (file.number() < 0) {
      const int error_number = errno;
      if (!is_about_the_path(error_number)) throw IoError(path, "open", error_number);
      throw BadFile(path, "cannot be opened: " + std::generic_category().message(error_number));
    }
    struct stat status {};
    if (::fstat(file.number(), &status) != 0) throw IoError(path, "inspect", errno);
    if (!S_ISREG(status.st_mode))
      throw BadFile(path, S_ISDIR(status.st_mode) ? "must be a regular file, found a folder"
                                                  : "must be a regular file, found a special file");
    return InputFile(path, std::move(file), static_cast<std::uint64_t>(status.st_size));
  }

  /// The path that was opened.
  const std::filesystem::path& path() const noexcept { return path_; }
  /// Size in bytes when the file was opened.
  std::uint64_t size() const noexcept { return size_; }
  /// The file's descriptor, open as long as this object.
  int descriptor() const noexcept { return file_.number(); }

  /// Fills `bytes` from `offset` on. Throws BadFile if the file ends earlier, IoError if the system fails. Safe to call
  /// from several threads.
  void read_at(std::uint64_t offset, std::span<std::byte> bytes) const {
    while (!bytes.empty()) {
      const ::ssize_t read = ::pread(file_.number(), bytes.data(), bytes.size(), static_cast<::off_t>(offset));
      if (read < 0) {
        if (errno == EINTR) continue;
        throw IoError(path_, "read", errno);
      }
      if (read == 0)
        throw BadFile(path_, offset, detail::text_of("the file ends ", counted(bytes.size(), "bytes"), " too early"));
      offset += static_cast<std::uint64_t>(read);
      bytes = bytes.subspan(static_cast<std::size_t>(read));
    }
  }

 private:
  InputFile(std::filesystem::path path, Descriptor file, std::uint64_t size)
      : path_(std::move(path)), file_(std::move(file)), size_(size) {}
  static bool is_about_the_path(int error_number) {
    return error_number == ENOENT || error_number == EACCES || error_number == EPERM || error_number == ENOTDIR ||
           error_number == ELOOP || error_number == ENAMETOOLONG || error_number == ENXIO || error_number == EINVAL;
  }

  std::filesystem::path path_;
  Descriptor file_;
  std::uint64_t size_ = 0;
};

/// Reads a whole regular file. Throws BadFile if it is larger than `limit` bytes, and as InputFile.
inline std::string read_whole_file(const std::filesystem::path& path, std::uint64_t limit) {
  const InputFile file = InputFile::open(path);
  if (file.size() > limit)
    throw BadFile(path, detail::text_of("must have at most ", counted(limit, "bytes"), ", found ", file.size()));
  std::string text(file.size(), '\0');
  file.read_at(0, std::as_writable_bytes(std::span(text)));
  return text;
}

/// A file being written: created or truncated by the constructor, durable once sync() or close() returned.
/// The destructor closes silently, which leaves an unfinished file behind.
class CheckedFile {
 public:
  /// `expected_bytes` is only used in the message about a full disk; 0: unknown. Every member throws IoError.
  explicit CheckedFile(std::filesystem::path path, std::uint64_t expected_bytes = 0)
      : CheckedFile(std::move(path), O_WRONLY | O_CREAT | O_TRUNC, expected_bytes) {}
  /// Continues an existing file after its first `kept_bytes` bytes; the rest is truncated.
  static CheckedFile continued(std::filesystem::path path, std::uint64_t kept_bytes) {
    CheckedFile file(std::move(path), O_WRONLY, 0);
    if (::ftruncate(file.file_.number(), static_cast<::off_t>(kept_bytes)) != 0)
      throw IoError(file.path_, "truncate", errno);
    if (::lseek(file.file_.number(), 0, SEEK_END) < 0) throw IoError(file.path_, "seek in", errno);
    file.written_ = kept_bytes;
    return file;
  }

  /// Appends bytes.
  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ::ssize_t wrote = ::write(file_.number(), bytes.data(), bytes.size());
      if (wrote < 0) {
        if (errno == EINTR) continue;
        throw IoError(path_, "write", errno, (std::max)(expected_, written_ + bytes.size()));
      }
      written_ += static_cast<std::uint64_t>(wrote);
      bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    }
  }
  /// Appends text.
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  /// Overwrites bytes that were written before; the position of write() does not change.
  void rewrite_at(std::uint64_t offset, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ::ssize_t wrote = ::pwrite(file_.number(), bytes.data(), bytes.size(), static_cast<::off_t>(offset));
      if (wrote < 0) {
        if (errno == EINTR) continue;
        throw IoError(path_, "write", errno, (std::max)(expected_, written_));
      }
      offset += static_cast<std::uint64_t>(wrote);
      bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    }
  }
  /// Waits until the bytes are on the disk.
  void sync() {
    // Pipes and devices have nothing to sync and return EINVAL.
    if (::fsync(file_.number()) != 0 && errno != EINVAL)
      throw IoError(path_, "sync", errno, (std::max)(expected_, written_));
  }
  /// As sync(), then closes.
  void close() {
    sync();
    if (::close(file_.release()) != 0) throw IoError(path_, "close", errno, (std::max)(expected_, written_));
  }

  /// Bytes of the file so far, those of a continued file included.
  std::uint64_t bytes_written() const noexcept { return written_; }

 private:
  CheckedFile(std::filesystem::path path, int open_flags, std::uint64_t expected_bytes)
      : path_(std::move(path)), file_(::open(path_.c_str(), open_flags | O_CLOEXEC, 0666)), expected_(expected_bytes) {
    if (file_.number() < 0) throw IoError(path_, (open_flags & O_CREAT) != 0 ? "create" : "open", errno, expected_);
  }

  std::filesystem::path path_;
  Descriptor file_;
  std::uint64_t expected_;
  std::uint64_t written_ = 0;
};

/// Waits until `path`, a file or a folder, is on the disk. Throws IoError.
inline void sync_path(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0) throw IoError(path, "open", errno);
  if (::fsync(file.number()) != 0 && errno != EINVAL) throw IoError(path, "sync", errno);
}

}  // namespace moe::io
