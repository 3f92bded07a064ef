/// The library tests' folders and files under the program's names.
#pragma once

#include "support/scratch.hpp"

namespace multipl_moe::testing {

using moe::testing::bytes_of;
using moe::testing::get_bytes;
using moe::testing::names_in;
using moe::testing::put_bytes;
using moe::testing::ScratchFolder;

}  // namespace multipl_moe::testing
