/// Files opened with nothing taken for granted: the reader survives a file that shrinks under it
/// (no mapping, so no SIGBUS), the writer reports every failure up to and including close.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace multipl_moe {

/// Anything of that name; a link that leads nowhere is there too, and is to be refused by its name.
bool is_there(const std::filesystem::path& path);

/// Owns a POSIX file descriptor; -1 is none.
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
  /// Throws BadFile where `path` does not exist, may not be read, or is not a regular file
  /// (a FIFO is refused without waiting for its writer).
  static InputFile open(const std::filesystem::path& path);

  const std::filesystem::path& path() const noexcept { return path_; }
  /// Bytes at the moment of opening.
  std::uint64_t size() const noexcept { return size_; }

  /// Fills `bytes` from `offset` on. Throws BadFile where the file ends before, IoError where the
  /// system fails. Safe to call from several threads.
  void read_at(std::uint64_t offset, std::span<std::byte> bytes) const;

 private:
  InputFile(std::filesystem::path path, Descriptor file, std::uint64_t size);

  std::filesystem::path path_;
  Descriptor file_;
  std::uint64_t size_ = 0;
};

/// The whole of a regular file. Throws BadFile where it is larger than `limit` bytes, and as
/// InputFile does.
std::string read_whole_file(const std::filesystem::path& path, std::uint64_t limit);

/// A file being written: created or truncated by the constructor, durable once sync() or close() returned.
/// The destructor closes silently, which leaves an unfinished file behind.
class CheckedFile {
 public:
  /// `expected_bytes` is only named in the message on a full disk; 0 is unknown.
  /// Every member throws IoError.
  explicit CheckedFile(std::filesystem::path path, std::uint64_t expected_bytes = 0);
  /// Goes on writing a file that exists, after its first `kept_bytes` bytes; the rest is cut off.
  static CheckedFile continued(std::filesystem::path path, std::uint64_t kept_bytes);

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  /// Overwrites bytes that were written before; the position of write() stays.
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
