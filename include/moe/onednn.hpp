#pragma once

#include <dnnl.h>
#include <omp.h>

#include <type_traits>

#include "moe/backend/cpu/eigen_gemm.hpp"
#include "moe/backend/cpu/product.hpp"
#include "moe/core/require.hpp"

namespace moe {

/// Matrix products by oneDNN, for `Cpu<OneDnnGemm>`: dnnl_sgemm for float, Eigen for other types. Link moe::onednn.
struct OneDnnGemm {
  /// c += op(a) op(b), all row-major, on the calling thread. Throws Error if dnnl_sgemm fails.
  template <Product product, class Real, class Backend>
  static void add(View<const Real, Backend> a, View<const Real, Backend> b, View<Real, Backend> c) {
    if constexpr (!std::is_same_v<Real, float>) {
      EigenGemm::add<product, Real>(a, b, c);
    } else {
      const Index depth = product == Product::left_transposed ? a.rows : a.cols;
      if (c.empty() || depth == 0) return;
      const OneThread alone;
      const auto status = dnnl_sgemm(product == Product::left_transposed ? 'T' : 'N',
                                     product == Product::right_transposed ? 'T' : 'N', c.rows, c.cols, depth, 1.0f,
                                     a.data, a.stride, b.data, b.stride, 1.0f, c.data, c.stride);
      require(status == dnnl_success, "OneDnnGemm", "dnnl_sgemm failed for a product of ", c.rows, " x ", c.cols,
              " over depth ", depth, ", got status ", static_cast<int>(status));
    }
  }

 private:
  /// Limits oneDNN to one OpenMP thread: it would otherwise start OpenMP threads inside each of the backend's tasks.
  /// The destructor restores the caller's setting.
  struct OneThread {
    int before = omp_get_max_threads();
    OneThread() { omp_set_num_threads(1); }
    OneThread(const OneThread&) = delete;
    OneThread& operator=(const OneThread&) = delete;
    ~OneThread() { omp_set_num_threads(before); }
  };
};

}  // namespace moe
