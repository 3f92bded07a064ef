#include <moe/moe.hpp>

moe::Index experts_elsewhere();

moe::Index experts_elsewhere() { return moe::ExpertBank<moe::SwiGlu<float, moe::Shape>>(3, 4, 5).count(); }
