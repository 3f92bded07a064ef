#pragma once

#ifndef EIGEN_MPL2_ONLY
#define EIGEN_MPL2_ONLY
#endif
#include <Eigen/SVD>
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "moe/core/bfloat16.hpp"
#include "moe/core/require.hpp"
#include "moe/experts/lora_adapter.hpp"
#include "moe/experts/swiglu.hpp"
#include "moe/layers/lora_ffn.hpp"
#include "moe/routing/router/language_choice.hpp"

namespace moe {

namespace detail {

/// Matrix type for Eigen's decompositions; row-major, as B::upload and B::download expect.
using HostMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class Value, class B>
HostMatrix host_matrix(const typename B::Context& context, View<const Value, B> from) {
  std::vector<Value> values(static_cast<std::size_t>(from.size()));
  B::download(context, from, values.data());
  HostMatrix result(from.rows, from.cols);
  std::transform(values.begin(), values.end(), result.data(),
                 [](Value value) { return static_cast<double>(widened(value)); });
  return result;
}
template <class Value, class B>
void upload_rounded(const typename B::Context& context, const HostMatrix& from, View<Value, B> to) {
  std::vector<Value> values(static_cast<std::size_t>(from.size()));
  std::transform(from.data(), from.data() + from.size(), values.begin(),
                 [](double value) { return static_cast<Value>(static_cast<Accum<Value>>(value)); });
  B::upload(context, values.data(), to);
}

/// Sets s B A to the singular components [first, first + r) of a matrix: A = sqrt(S/s) V^T and B = U sqrt(S/s). The
/// adapter's padding becomes 0.
template <class Value, class B, class Svd>
void take_components(const typename B::Context& context, const Svd& svd, Index first, LoraAdapter<Value, B>& adapter) {
  const Index rank = adapter.rank();
  HostMatrix a_RI = HostMatrix::Zero(adapter.lora_A.rows(), adapter.in());
  HostMatrix b_OR = HostMatrix::Zero(adapter.out(), adapter.lora_B.cols());
  const Eigen::VectorXd root = (svd.singularValues().segment(first, rank) / adapter.size.scale).cwiseSqrt();
  a_RI.topRows(rank) = root.asDiagonal() * svd.matrixV().middleCols(first, rank).transpose();
  b_OR.leftCols(rank) = svd.matrixU().middleCols(first, rank) * root.asDiagonal();
  upload_rounded(context, a_RI, adapter.lora_A.view());
  upload_rounded(context, b_OR, adapter.lora_B.view());
}

/// Splits one projection into the adapters' singular components and the remainder, which goes to the base.
template <class Value, class B>
void split_projection(const typename B::Context& context, const LanguageChoice& router, const Matrix<Value, B>& weight,
                      AdapterBank<Value, B>& bank, Matrix<Value, B>& base) {
  const auto adapter = [&](Index e) -> LoraAdapter<Value, B>& { return bank.adapters[static_cast<std::size_t>(e)]; };
  const Index shared = adapter(router.shared()).rank(), all = adapter(router.other()).rank();
  HostMatrix w_OI = host_matrix<Value, B>(context, weight.view());
  const Eigen::BDCSVD<Eigen::MatrixXd> svd(w_OI, Eigen::ComputeThinU | Eigen::ComputeThinV);
  take_components(context, svd, 0, adapter(router.shared()));
  for (Index e = 0; e < router.languages; ++e) take_components(context, svd, shared, adapter(e));
  take_components(context, svd, 0, adapter(router.other()));
  w_OI.noalias() -= svd.matrixU().leftCols(all) * svd.singularValues().head(all).asDiagonal() *
                    svd.matrixV().leftCols(all).transpose();
  upload_rounded(context, w_OI, base.view());
}

}  // namespace detail

/// Splits a dense FFN into the adapters of MoLE and a base (`shared_first`, arXiv 2506.18923). Of each projection's
/// singular components, the shared adapter takes the first r_s, every language's adapter the next r_l, the adapter for
/// other rows the first r_s + r_l, and the base keeps the rest. A row of code, which uses the shared and its language's
/// adapter, and any other row, which uses the adapter for other rows, both get the dense FFN's output up to rounding.
/// All adapters thus start from the directions with the largest singular values.
///
/// `dense` may be the layer's own base. Without the adapters the base does not equal the dense FFN. The SVD is Eigen's,
/// in double on the host: about half a minute for a weight of 5504 x 2048. Throws Error if the FFNs' sizes differ, the
/// languages' ranks differ, the rank of the adapter for other rows is not r_s + r_l or exceeds the number of singular
/// components, or a scale is not above 0.
template <class Value, class B>
void split_into_adapters(const typename B::Context& context, const SwiGlu<Value, B>& dense,
                         LoraFfn<LanguageChoice, Value, B>& layer) {
  const char* const where = "split_into_adapters";
  require(dense.width() == layer.width() && dense.hidden() == layer.base.hidden(), where, "the dense FFN is ",
          dense.width(), " wide with ", dense.hidden(), " inner channels, the layer ", layer.width(), " with ",
          layer.base.hidden());
  dense.require_consistent(where);
  layer.require_consistent(where);
  const LanguageChoice& router = layer.router;
  const auto size = [&](Index e) { return layer.gate_proj.adapters[static_cast<std::size_t>(e)].size; };
  const Index shared = size(router.shared()).rank, other = size(router.other()).rank;
  for (Index e = 0; e < router.experts(); ++e) {
    const auto at = static_cast<std::size_t>(e);
    const Index up = layer.up_proj.adapters[at].rank(), down = layer.down_proj.adapters[at].rank();
    require(up == size(e).rank && down == size(e).rank, where,
            "an adapter must have one rank on all projections, adapter ", e, " has ", size(e).rank, ", ", up, " and ",
            down);
  }
  for (Index e = 0; e < router.languages; ++e)
    require(shared + size(e).rank == other, where,
            "the rank of the adapter for other rows must be the shared adapter's plus each language's, got ", other,
            ", ", shared, " and for language ", e, " ", size(e).rank);
  require(other <= (std::min)(dense.width(), dense.hidden()), where, "a projection has ",
          (std::min)(dense.width(), dense.hidden()), " singular components, the adapter for other rows takes ", other);
  for (const auto* bank : {&layer.gate_proj, &layer.up_proj, &layer.down_proj})
    for (Index e = 0; e < router.experts(); ++e) {
      const double scale = bank->adapters[static_cast<std::size_t>(e)].size.scale;
      require(scale > 0, where, "scales must be above 0, adapter ", e, " has ", scale);
    }
  detail::split_projection(context, router, dense.gate_proj, layer.gate_proj, layer.base.gate_proj);
  detail::split_projection(context, router, dense.up_proj, layer.up_proj, layer.base.up_proj);
  detail::split_projection(context, router, dense.down_proj, layer.down_proj, layer.base.down_proj);
}

}  // namespace moe
