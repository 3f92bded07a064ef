#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include "moe/core/index.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/core/view.hpp"

namespace moe {

/// Stats whose input of update_buffers can be visited: `visit_observed(visit, stats)` calls visit() for each number,
/// list of numbers and matrix that update_buffers reads. Other stats have none.
template <class Stats>
concept HasObserved = requires(Stats& stats) {
  Stats::visit_observed([](const auto&) {}, stats);
};

namespace detail {

/// Appends values to bytes.
template <class Context>
struct WriteObserved {
  const Context& context;
  std::vector<std::byte>& bytes;

  void operator()(Index value) const { append(&value, 1); }
  void operator()(const std::vector<Index>& values) const {
    (*this)(static_cast<Index>(values.size()));
    append(values.data(), values.size());
  }
  template <class Value, class B>
  void operator()(const Matrix<Value, B>& matrix) const {
    (*this)(matrix.rows());
    (*this)(matrix.cols());
    std::vector<Value> values(static_cast<std::size_t>(matrix.size()));
    if (!matrix.empty()) B::download(context, matrix.const_view(), values.data());
    append(values.data(), values.size());
  }

 private:
  template <class Value>
  void append(const Value* values, std::size_t count) const {
    const std::size_t before = bytes.size();
    bytes.resize(before + count * sizeof(Value));
    if (count > 0) std::memcpy(bytes.data() + before, values, count * sizeof(Value));
  }
};

/// Reads what WriteObserved wrote.
template <class Context>
struct ReadObserved {
  const Context& context;
  std::span<const std::byte>& bytes;

  void operator()(Index& value) const { take(&value, 1); }
  void operator()(std::vector<Index>& values) const {
    Index count = 0;
    (*this)(count);
    require_count(count, sizeof(Index));
    values.resize(static_cast<std::size_t>(count));
    take(values.data(), values.size());
  }
  template <class Value, class B>
  void operator()(Matrix<Value, B>& matrix) const {
    Index rows = 0, cols = 0;
    (*this)(rows);
    (*this)(cols);
    require_count(rows, 1);
    require_count(cols, 1);
    require_count(rows * cols, sizeof(Value));
    std::vector<Value> values(static_cast<std::size_t>(rows * cols));
    take(values.data(), values.size());
    matrix = Matrix<Value, B>::uninitialized(context, rows, cols);
    if (!matrix.empty()) B::upload(context, values.data(), matrix.view());
  }

 private:
  void require_count(Index count, std::size_t size) const {
    require(count >= 0 && static_cast<std::size_t>(count) <= bytes.size() / size, "update_buffers",
            "statistics of another rank do not fit this layer");
  }
  template <class Value>
  void take(Value* values, std::size_t count) const {
    require_count(static_cast<Index>(count), sizeof(Value));
    if (count > 0) std::memcpy(values, bytes.data(), count * sizeof(Value));
    bytes = bytes.subspan(count * sizeof(Value));
  }
};

}  // namespace detail

/// What update_buffers reads of the stats, as bytes.
template <class Context, class Stats>
std::vector<std::byte> observed_bytes(const Context& context, const Stats& stats) {
  std::vector<std::byte> bytes;
  if constexpr (HasObserved<const Stats>) Stats::visit_observed(detail::WriteObserved<Context>{context, bytes}, stats);
  return bytes;
}
/// Stats for update_buffers from these bytes. Throws Error if they are of other stats.
template <class Stats, class Context>
Stats observed_from(const Context& context, std::span<const std::byte> bytes) {
  Stats stats;
  if constexpr (HasObserved<Stats>) Stats::visit_observed(detail::ReadObserved<Context>{context, bytes}, stats);
  require(bytes.empty(), "update_buffers", "statistics of another rank do not fit this layer");
  return stats;
}

}  // namespace moe
