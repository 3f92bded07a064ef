#include <moe/moe.hpp>

moe::Index experts_elsewhere();

int main() { return moe::ExpertBank<moe::SwiGlu<float, moe::Shape>>(3, 4, 5).count() == experts_elsewhere() ? 0 : 1; }
