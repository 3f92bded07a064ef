#include "multipl_moe/io/gzip.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"

namespace multipl_moe {

namespace {

/// Added to zlib's window bits: the format is gzip's.
constexpr int gzip_window = MAX_WBITS + 16;
/// zlib counts in 32 bits, so larger texts are passed in pieces.
constexpr std::size_t largest_piece = std::size_t{1} << 30;

Bytef* input_of(std::string_view bytes) {
  // zlib's interface is not const, but it never writes to its input.
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
}

struct Inflating {
  z_stream stream{};

  Inflating() {
    if (inflateInit2(&stream, gzip_window) != Z_OK) throw std::bad_alloc();
  }
  ~Inflating() { inflateEnd(&stream); }
  Inflating(const Inflating&) = delete;
  Inflating& operator=(const Inflating&) = delete;
};

struct Deflating {
  z_stream stream{};

  Deflating() {
    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  ~Deflating() { deflateEnd(&stream); }
  Deflating(const Deflating&) = delete;
  Deflating& operator=(const Deflating&) = delete;
};

}  // namespace

std::string gunzip(std::string_view bytes, const std::filesystem::path& path, std::uint64_t largest) {
  std::string text;
  std::array<char, 1 << 16> buffer;
  while (!bytes.empty()) {
    Inflating member;
    z_stream& stream = member.stream;
    for (int state = Z_OK; state != Z_STREAM_END;) {
      const std::size_t given = (std::min)(bytes.size(), largest_piece);
      stream.next_in = input_of(bytes);
      stream.avail_in = static_cast<uInt>(given);
      stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
      stream.avail_out = static_cast<uInt>(buffer.size());
      state = inflate(&stream, Z_NO_FLUSH);
      bytes.remove_prefix(given - stream.avail_in);
      if (state != Z_OK && state != Z_STREAM_END)
        throw BadFile(path, bytes.empty() ? "must be complete, found gzip's format that ends early"
                                          : "must be in gzip's format, found damaged bytes");
      text.append(buffer.data(), buffer.size() - stream.avail_out);
      if (text.size() > largest)
        throw BadFile(path, fmt::format("must have at most {} when expanded, found more", counted(largest, "bytes")));
    }
  }
  return text;
}

std::string gzip(std::string_view text) {
  Deflating member;
  z_stream& stream = member.stream;
  std::string bytes;
  std::array<char, 1 << 16> buffer;
  for (int state = Z_OK; state != Z_STREAM_END;) {
    const std::size_t given = (std::min)(text.size(), largest_piece);
    stream.next_in = input_of(text);
    stream.avail_in = static_cast<uInt>(given);
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    state = deflate(&stream, given == text.size() ? Z_FINISH : Z_NO_FLUSH);
    text.remove_prefix(given - stream.avail_in);
    bytes.append(buffer.data(), buffer.size() - stream.avail_out);
  }
  return bytes;
}

std::string read_whole_text(const std::filesystem::path& path, std::uint64_t largest) {
  std::string bytes = read_whole_file(path, largest);
  return path.extension() == ".gz" ? gunzip(bytes, path, largest) : bytes;
}

}  // namespace multipl_moe
