// error: make_multipl: the type to build must be one of the MultiPL layers or one of its levels
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

const auto layer = make_multipl<SwiGlu<float, Shape>>({.width = 8, .hidden = 16});
