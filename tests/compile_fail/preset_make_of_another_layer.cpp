// error: make_multipl: the type to build must be a MultiPlMoe or a CausalMultiPlMoe
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

const auto layer = make_multipl<Token>({.width = 8, .hidden = 16});
