#pragma once

namespace moe {

/// A struct of which one member is explained and one is not.
struct Planted {
  /// Explained.
  int told = 0;
  int forgotten = 0;
};

}  // namespace moe
