#pragma once

namespace moe {

/// The ranks that the layers of a context run on, see comm/ranks.hpp. Declared here, so that a context can refer to
/// them and a backend does not depend on comm/.
template <class B>
class Ranks;

}  // namespace moe
