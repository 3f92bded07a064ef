#include <moe/moe.hpp>

int second_file();

int main() { return second_file(); }
