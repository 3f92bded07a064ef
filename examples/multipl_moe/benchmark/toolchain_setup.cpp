/// What a Toolchain does once, before the first program.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <system_error>
#include <vector>

#include "multipl_moe/benchmark/toolchain.hpp"
#include "multipl_moe/benchmark/tools.hpp"
#include "multipl_moe/benchmark/work_folder.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/io/manifest.hpp"
#include "multipl_moe/io/shared_file.hpp"
#include "multipl_moe/io/utf8_stream.hpp"

namespace multipl_moe::benchmark {

namespace fs = std::filesystem;
using sandbox::End;

namespace {

/// Imports what programs of benchmarks import, so that Go compiles these packages once.
constexpr const char* go_warm = R"(package warm

import (
	_ "bytes"
	_ "crypto/md5"
	_ "errors"
	_ "fmt"
	_ "math"
	_ "math/rand"
	_ "os"
	_ "reflect"
	_ "regexp"
	_ "sort"
	_ "strconv"
	_ "strings"
	"testing"
	_ "time"
	_ "unicode"
)

func TestWarm(t *testing.T) {}
)";

/// Uses what programs of benchmarks use, so that javac loads the classes of its own that it needs for them.
constexpr const char* java_warm = R"(import java.io.*;
import java.lang.reflect.*;
import java.math.*;
import java.security.*;
import java.util.*;
import java.util.stream.*;
import org.javatuples.*;

class Warm {
  interface Shape { double area(); }
  record Square(double side) implements Shape { public double area() { return side * side; } }
  enum Kind { SMALL, LARGE }
  static <T extends Comparable<T>> Optional<T> largest(List<T> all) {
    T best = null;
    for (T one : all) if (best == null || one.compareTo(best) > 0) best = one;
    return Optional.ofNullable(best);
  }
  static Map<Kind, ArrayList<Long>> by_kind(ArrayList<Long> all) {
    return all.stream().collect(Collectors.groupingBy(x -> x > 9 ? Kind.LARGE : Kind.SMALL,
        Collectors.toCollection(ArrayList::new)));
  }
  public static void main(String[] arguments) throws IOException {
    Pair<Long, String> pair = Pair.with(1l, "a" + arguments.length);
    StringBuilder text = new StringBuilder();
    try {
      switch (pair.getValue1()) { case "a": text.append('b'); break; default: text.append(2.5f); }
      while (text.length() < 3) text.append((char) ('a' + text.length() % 26));
    } catch (RuntimeException | AssertionError error) {
      throw new IOException(error);
    } finally {
      assert(largest(new ArrayList<Long>(Arrays.asList(1l, 2l))).equals(Optional.of(2l)));
    }
    Shape shape = new Shape() { public double area() { return new BigInteger("4").intValue(); } };
  }
}
)";

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

sandbox::Outcome Toolchain::try_own(const fs::path& folder, const std::vector<std::string>& command,
                                    const std::vector<std::string>& environment, int slot) const {
  constexpr double patience = 300;
  return run_step({Stage::compile, command, patience, true, {}, environment}, folder, slot, nullptr, 0);
}

void Toolchain::run_own(const fs::path& folder, const std::vector<std::string>& command,
                        const std::vector<std::string>& environment, Language language, int slot) const {
  const sandbox::Outcome outcome = try_own(folder, command, environment, slot);
  if (outcome.end != End::exited || outcome.exit_code != 0)
    throw Failure(fmt::format("[evaluate] {} of {} must work, but `{}` fails: {}", tool_of(language).packages,
                              title_of(language), fmt::join(command, " "),
                              escaped(outcome.err.empty() ? outcome.out : outcome.err, 500)));
}

std::string Toolchain::find_version(Language language, int slot) const {
  const Tool& tool = tool_of(language);
  const fs::path folder = make_folder(work_.path() / fmt::format("version-{}", slot));
  std::vector<std::string> lines;
  for (const std::vector<std::string>& command : tool.versions) {
    const Step step{Stage::run, command, tool.run_seconds, false, {}, {}};
    const sandbox::Outcome outcome = run_step(step, folder, slot, nullptr, 0);
    if (outcome.end != End::exited || outcome.exit_code != 0)
      throw Failure(fmt::format("[evaluate] `{}` of {} must work, but fails: {}", fmt::join(command, " "),
                                tool.packages, escaped(outcome.err, 500)));
    lines.push_back(first_line(valid_utf8(outcome.out.empty() ? outcome.err : outcome.out)));
  }
  for (const char* const library : tool.libraries)
    lines.push_back(fmt::format("{} XXH3 {:016x}", fs::path(library).filename().native(), hash_of_file(library)));
  return fmt::format("{}", fmt::join(lines, "; "));
}

void Toolchain::prepare(Language language, const fs::path& cache, int slot) {
  versions_.at(language) = find_version(language, slot);
  const fs::path folder = make_folder(work_.path() / fmt::format("made-{}", name_of(language)));
  switch (language) {
    case Language::python:
    case Language::ruby:
      return;
    case Language::go:
      return fill_go_cache(cache, slot);
    case Language::cpp:
    case Language::rust: {
      put_file(folder / "end.c", c_wrapper);
      run_own(folder, {"cc", "-O1", "-c", "end.c", "-o", "end.o"}, {}, language, slot);
      // Both make the same file.
      return moe::io::rename_to(folder / "end.o", support_.wrappers / "end.o");
    }
    case Language::java:
      put_file(folder / "MoeEnd.java", java_wrapper);
      make_folder(folder / "java");
      run_own(folder, {"javac", "-d", "java", "MoeEnd.java"}, {}, language, slot);
      moe::io::rename_to(folder / "java", support_.wrappers / "java");
      return archive_javac(cache, slot);
  }
}

void Toolchain::fill_go_cache(const fs::path& cache, int slot) {
  support_.go_cache = place_of(cache, fmt::format("go-{:016x}", hash_of(versions_.at(Language::go) + go_warm)));
  if (is_there(support_.go_cache)) return;
  const fs::path made = make_folder(work_.path() / "go");
  put_file(made / "warm_test.go", go_warm);
  run_own(made, {"go", "test", "warm_test.go"}, go_environment("/box/build"), Language::go, slot);
  move_to(support_.go_cache, made);
}

void Toolchain::archive_javac(const fs::path& cache, int slot) {
  const fs::path archive =
      place_of(cache, fmt::format("javac-{:016x}.jsa", hash_of(versions_.at(Language::java) + java_warm)));
  if (!is_there(archive)) {
    const fs::path made = make_folder(work_.path() / "javac");
    put_file(made / "Warm.java", java_warm);
    // Without an archive, as before JDK 13, javac works too and takes longer.
    try_own(made, javac_command({"-J-XX:ArchiveClassesAtExit=/box/javac.jsa", "-d", "/box", "Warm.java"}), {}, slot);
    if (!is_there(made / "javac.jsa")) return;
    move_to(archive, made / "javac.jsa");
  }
  support_.javac_archive = archive;
}

fs::path Toolchain::place_of(const fs::path& cache, const std::string& name) const {
  return fs::absolute((cache.empty() ? work_.path() : cache) / name);
}

void Toolchain::move_to(const fs::path& place, const fs::path& made) {
  create_folders(place.parent_path());
  std::error_code failed;
  fs::rename(made, place, failed);
  // Another process with the same cache may have been first.
  if (!failed || is_there(place)) return;
  // Another file system. The copy gets its name when it is complete.
  const fs::path partial = own_partial_path(place);
  fs::remove_all(partial);
  fs::copy(made, partial, fs::copy_options::recursive);
  fs::rename(partial, place, failed);
  if (!failed) return;
  std::error_code ignored;
  fs::remove_all(partial, ignored);
  if (!is_there(place)) throw IoError(place, "create", failed.value());
}

}  // namespace multipl_moe::benchmark
