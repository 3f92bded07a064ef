/// The same values on the host, in double, and on a backend, in its value type.
#pragma once

#include <cmath>
#include <string_view>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/core/matrix.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"
#include "support/tolerance.hpp"

namespace multipl_moe::testing {

using HostMatrix = moe::Matrix<double, moe::Cpu<>>;

template <class Value, class B>
class BothSides {
 public:
  using Real = moe::Accum<Value>;

  explicit BothSides(std::string_view test) : draw_(test) {}

  const typename B::Context& there() const { return there_; }
  const moe::CpuContext& here() const { return here_; }
  moe::testing::Draw& draw() { return draw_; }

  /// Normal values, each of which Value holds exactly.
  HostMatrix drawn(moe::Index rows, moe::Index cols, double deviation = 1) {
    auto x = moe::testing::random_matrix<double, moe::Cpu<>>(draw_, rows, cols, deviation);
    for (moe::Index i = 0; i < x.size(); ++i)
      x.data()[i] = static_cast<double>(moe::widened(static_cast<Value>(static_cast<Real>(x.data()[i]))));
    return x;
  }
  std::vector<std::int32_t> tokens(moe::Index count, std::int32_t vocabulary) {
    std::vector<std::int32_t> list;
    for (moe::Index t = 0; t < count; ++t) list.push_back(static_cast<std::int32_t>(draw_.between(0, vocabulary - 1)));
    return list;
  }

  template <class Number = Value>
  moe::Matrix<Number, B> sent(const HostMatrix& x) const {
    std::vector<Number> values;
    for (moe::Index i = 0; i < x.size(); ++i)
      values.push_back(static_cast<Number>(static_cast<moe::Accum<Number>>(x.data()[i])));
    auto there = moe::Matrix<Number, B>::uninitialized(there_, x.rows(), x.cols());
    B::upload(there_, values.data(), there.view());
    return there;
  }
  template <class Number>
  HostMatrix fetched(const moe::Matrix<Number, B>& x) const {
    std::vector<Number> values(static_cast<std::size_t>(x.size()));
    B::download(there_, x.const_view(), values.data());
    HostMatrix here(x.rows(), x.cols());
    for (std::size_t i = 0; i < values.size(); ++i) here.data()[i] = static_cast<double>(moe::widened(values[i]));
    return here;
  }

  /// Compares with the tolerance of the type in which `found` was computed: of rounded results, their own.
  template <class Number>
  void check(const char* what, const HostMatrix& expected, const moe::Matrix<Number, B>& found) const {
    INFO(what << ", MOE_TEST_SEED=" << moe::testing::seed());
    REQUIRE(found.rows() == expected.rows());
    REQUIRE(found.cols() == expected.cols());
    CHECK(moe::testing::nmse(moe::testing::values_of(expected), moe::testing::values_of(fetched(found))) <=
          moe::testing::Tolerance<Number>::nmse);
  }

 private:
  typename B::Context there_;
  moe::CpuContext here_{.threads = 1};
  moe::testing::Draw draw_;
};

}  // namespace multipl_moe::testing
