/// The message of a command that memory did not suffice for.
#pragma once

#include <new>
#include <string>

namespace multipl_moe {

/// Names the memory that ran out, the host's or a GPU's, with its numbers if they are known, and what needs less.
std::string out_of_memory_text(const std::bad_alloc& error);

}  // namespace multipl_moe
