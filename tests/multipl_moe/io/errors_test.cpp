#include "multipl_moe/io/errors.hpp"

#include <cerrno>

#include "support/catch.hpp"

namespace errors_test {

using namespace multipl_moe;

TEST_CASE("each error has the exit code of its kind") {
  CHECK(exit_code_of(Failure("x")) == 1);
  CHECK(exit_code_of(UsageError("x")) == 2);
  CHECK(exit_code_of(ValueTooLarge("x")) == 2);
  CHECK(exit_code_of(BadFile("f", "x")) == 3);
  CHECK(exit_code_of(OutOfMemory("x")) == 4);
  CHECK(exit_code_of(IoError("f", "write", EIO)) == 5);
  CHECK(exit_code_of(NonFinite("x")) == 6);
  CHECK_FALSE(exit_code_of(moe::Error("x")).has_value());
}

}  // namespace errors_test
