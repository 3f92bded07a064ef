/// The reference for LoRA adapters: plain loops in double, without code of the library.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "support/reference_moe.hpp"

namespace moe::testing::reference {

/// s B A.
struct Adapter {
  Rows a, b;  // [rank][in], [out][rank]
  double scale = 1;
};

/// W x + the sum of s B (A x) over the adapters in `chosen`.
inline Vector adapted(const Rows& w, const std::vector<Adapter>& adapters, const std::vector<std::size_t>& chosen,
                      const Vector& x) {
  Vector y = product(w, x);
  for (const std::size_t e : chosen) {
    const Vector answer = product(adapters[e].b, product(adapters[e].a, x));
    for (std::size_t o = 0; o < y.size(); ++o) y[o] += adapters[e].scale * answer[o];
  }
  return y;
}

/// The adapters of a SwiGLU's three projections.
struct AdaptedFfn {
  Ffn ffn;
  std::vector<Adapter> gate, up, down;
};

inline Vector adapted_ffn(const AdaptedFfn& f, const std::vector<std::size_t>& chosen, const Vector& x) {
  Vector h = adapted(f.ffn.gate, f.gate, chosen, x);
  const Vector b = adapted(f.ffn.up, f.up, chosen, x);
  for (std::size_t i = 0; i < h.size(); ++i) h[i] *= sigmoid(h[i]) * b[i];
  return adapted(f.ffn.down, f.down, chosen, h);
}

/// MoLE's rule: [language, shared], or [other].
inline std::vector<std::size_t> mole_choice(int languages, int language) {
  const auto count = static_cast<std::size_t>(languages);
  if (language >= 0 && language < languages) return {static_cast<std::size_t>(language), count};
  return {count + 1};
}

}  // namespace moe::testing::reference
