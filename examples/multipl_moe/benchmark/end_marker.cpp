#include "multipl_moe/benchmark/end_marker.hpp"

#include <fmt/format.h>

#include <random>

#include "multipl_moe/benchmark/tools.hpp"
#include "multipl_moe/benchmark/work_folder.hpp"
#include "multipl_moe/io/hash.hpp"

namespace multipl_moe::benchmark {

namespace fs = std::filesystem;

// The wrappers print the marker after the program's main() has returned without an error. A program that ends in
// another way, such as exit(0), does not return.
const char* const c_wrapper = R"(#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int __real_main(int argc, char** argv, char** environment);

int __wrap_main(int argc, char** argv, char** environment) {
  char line[80] = "\n";
  const char* secret = getenv("MOE_END_MARKER");
  size_t length = secret == NULL ? 0 : strlen(secret);
  if (length > sizeof line - 3) length = 0;
  for (size_t i = 0; i < length; ++i) line[1 + i] = secret[length - 1 - i];
  line[1 + length] = '\n';
  unsetenv("MOE_END_MARKER");
  int code = __real_main(argc, argv, environment);
  if (code == 0) {
    fflush(stdout);
    if (length > 0 && write(STDOUT_FILENO, line, length + 2) < 0) return code;
  }
  return code;
}
)";

const char* const java_wrapper = R"(import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;

final class MoeEnd {
  public static void main(String[] arguments) throws Throwable {
    Method main = Class.forName("Problem").getDeclaredMethod("main", String[].class);
    main.setAccessible(true);
    try {
      main.invoke(null, (Object) arguments);
    } catch (InvocationTargetException error) {
      throw error.getCause();
    }
    System.out.flush();
    StringBuilder line = new StringBuilder(System.getenv("MOE_END_MARKER")).reverse();
    new FileOutputStream(FileDescriptor.out).write(("\n" + line + "\n").getBytes());
  }
}
)";

namespace {

constexpr const char* variable_name = "MOE_END_MARKER";

constexpr const char* python_end = R"(
try:
    __import__("os").write(1, ("\n" + __import__("os").environ["MOE_END_MARKER"][::-1] + "\n").encode())
except BaseException:
    pass
)";

// test/unit runs the tests when the program ends.
constexpr const char* ruby_end = R"(
begin
  moe_end = proc { STDOUT.write("\n" + ENV["MOE_END_MARKER"].reverse + "\n"); STDOUT.flush }
  defined?(Test::Unit::AutoRunner) ? Test::Unit.at_exit(&moe_end) : moe_end.call
rescue Exception
end
)";

constexpr const char* go_end = R"(package {}

import (
	moeos "os"
	moetesting "testing"
)

func TestZzMoeEnd(t *moetesting.T) {{
	line := "\n"
	for _, letter := range moeos.Getenv("MOE_END_MARKER") {{
		line = string(letter) + line
	}}
	moeos.Stdout.WriteString("\n" + line)
}}
)";

/// The name in the program's package clause, with which the further test must agree.
std::string go_package_of(std::string_view program) {
  for (std::size_t begin = 0; begin < program.size();) {
    const std::size_t end = (std::min)(program.find('\n', begin), program.size());
    std::string_view line = program.substr(begin, end - begin);
    if (line.starts_with("package ")) {
      line.remove_prefix(8);
      return std::string(line.substr(0, line.find_first_of(" \t\r;/")));
    }
    begin = end + 1;
  }
  return "main";
}

}  // namespace

EndMarker::EndMarker() {
  std::random_device random;
  secret_ = fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

std::string EndMarker::variable() const { return fmt::format("{}={}", variable_name, secret_); }

bool EndMarker::take_from(std::string& out) const {
  const std::string line = "\n" + std::string(secret_.rbegin(), secret_.rend()) + "\n";
  const std::size_t at = out.find(line);
  if (at == std::string::npos) return false;
  out.erase(at, line.size());
  return true;
}

void put_program(Language language, std::string_view program, const fs::path& folder) {
  std::string text(program);
  if (language == Language::python) text += python_end;
  if (language == Language::ruby) text += ruby_end;
  if (language == Language::go)
    put_file(folder / "zz_end_test.go", fmt::format(fmt::runtime(go_end), go_package_of(program)));
  put_file(folder / tool_of(language).source, text);
}

std::uint64_t wrappers_hash() {
  return hash_of(fmt::format("{}{}{}{}{}", c_wrapper, java_wrapper, python_end, ruby_end, go_end));
}

}  // namespace multipl_moe::benchmark
