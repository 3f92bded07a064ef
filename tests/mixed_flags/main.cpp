/// Prints the hash of the kernels' results for each instruction set of this CPU. The two files of the program are
/// compiled with different flags; the linker keeps one copy of each function that both have.
#include <cstdint>
#include <cstdio>

#include "moe/backend/cpu/isa/instruction_set.hpp"

std::uint64_t hash_of_plain_file();
std::uint64_t hash_of_special_file();

int main() {
  for (const auto set : moe::cpu::instruction_sets()) {
    moe::cpu::use_instruction_set(set);
    const std::uint64_t plain = hash_of_plain_file(), special = hash_of_special_file();
    std::printf("%s %016llx\n", moe::cpu::name_of(set), static_cast<unsigned long long>(plain));
    if (plain != special) return 1;
  }
}
