/// Robust file access: the reader survives a file that shrinks while it is read (there is no mapping, so no SIGBUS),
/// and the writer reports every failure up to and including close.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace multipl_moe {

/// Whether anything of that name exists. A dangling link counts as existing, so that opening it is refused with its
/// name.
bool is_there(const std::filesystem::path& path);

/// Owns a POSIX file descriptor; -1: none.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  int number() const noexcept { return number_; }
  /// Gives up ownership and returns the number.
  int release() noexcept;

 private:
  int number_ = -1;
};

/// A regular file, read by position.
class InputFile {
 public:
  /// Throws BadFile if `path` does not exist, may not be read, or is not a regular file
  /// (a FIFO is refused without waiting for its writer).
  static InputFile open(const std::filesystem::path& path);

  const std::filesystem::path& path() const noexcept { return path_; }
  /// Size in bytes when the file was opened.
  std::uint64_t size() const noexcept { return size_; }

  /// Fills `bytes` from `offset` on. Throws BadFile if the file ends earlier, IoError if the system fails. Safe to call
  /// from several threads.
  void read_at(std::uint64_t offset, std::span<std::byte> bytes) const;

 private:
  InputFile(std::filesystem::path path, Descriptor file, std::uint64_t size);

  std::filesystem::path path_;
  Descriptor file_;
  std::uint64_t size_ = 0;
};

/// Reads a whole regular file. Throws BadFile if it is larger than `limit` bytes, and as InputFile.
std::string read_whole_file(const std::filesystem::path& path, std::uint64_t limit);

/// A file being written: created or truncated by the constructor, durable once sync() or close() returned.
/// The destructor closes silently, which leaves an unfinished file behind.
class CheckedFile {
 public:
  /// `expected_bytes` is only used in the message about a full disk; 0: unknown. Every member throws IoError.
  explicit CheckedFile(std::filesystem::path path, std::uint64_t expected_bytes = 0);
  /// Continues an existing file after its first `kept_bytes` bytes; the rest is truncated.
  static CheckedFile continued(std::filesystem::path path, std::uint64_t kept_bytes);

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  /// Overwrites bytes that were written before; the position of write() does not change.
  void rewrite_at(std::uint64_t offset, std::span<const std::byte> bytes);
  /// Waits until the bytes are on the disk.
  void sync();
  /// As sync(), then closes.
  void close();

  std::uint64_t bytes_written() const noexcept { return written_; }

 private:
  CheckedFile(std::filesystem::path path, int open_flags, std::uint64_t expected_bytes);

  std::filesystem::path path_;
  Descriptor file_;
  std::uint64_t expected_;
  std::uint64_t written_ = 0;
};

/// Waits until `path`, a file or a folder, is on the disk. Throws IoError.
void sync_path(const std::filesystem::path& path);

}  // namespace multipl_moe
