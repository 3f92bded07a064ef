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

/// Rows and columns as Eigen's decompositions like them; row-major, as our matrices are uploaded.
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

/// s B A = the singular components [first, first + r) of a matrix: A = sqrt(S/s) V^T and B = U sqrt(S/s). What fills
/// the adapter up becomes 0.
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

/// One projection: the components that adapters take, and what remains for the base.
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

/// Splits a dense FFN into the adapters of MoLE and what they leave (`shared_first`, arXiv 2506.18923). Of each
/// projection's singular components the shared adapter takes the first r_s, every language's the next r_l, the other
/// one's the first r_s + r_l, and the base keeps the rest: a row of code, with its language's and the shared adapter,
/// and any other row, with the other one, both get the dense FFN's answer, up to rounding. All adapters then learn from
/// directions in which the weight is strong.
///
/// `dense` may be the layer's own base. Without adapters the base alone is not the dense FFN. The decomposition is
/// Eigen's, in double on the host: about half a minute for a weight of 5504 x 2048. Throws Error for FFNs of other
/// sizes, for languages of different ranks, for an other rank that is not the sum, for more components than there are
/// and for a scale that is not above 0.
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
            "the other adapter's rank must be the shared one's plus each "
            "language's, got ",
            other, ", ", shared, " and for language ", e, " ", size(e).rank);
  require(other <= (std::min)(dense.width(), dense.hidden()), where, "a projection has ",
          (std::min)(dense.width(), dense.hidden()), " singular components, the other adapter takes ", other);
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
