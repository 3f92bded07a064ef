// Included twice in one program: a definition in a header that is not inline fails to link.
#include <moe/moe.hpp>

int second_file();

int second_file() { return 0; }
