/// Results of the CPU backend's kernels, for files that are compiled with different flags. FUNCTION is the name of the
/// including file's function.
#include <cstdint>
#include <cstring>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"

namespace {

/// FNV-1a hash of results of the kernels of the chosen instruction set.
template <class Real>
std::uint64_t hash_of_kernels() {
  using namespace moe;
  const auto drawn = [](Index size, std::uint32_t stream) {
    std::vector<Real> values(static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<Real>(static_cast<int>(random_words({stream, 0, 0}, i)[0] % 4001) - 2000) / Real(1024);
    return values;
  };
  const CpuContext context;
  const auto a = drawn(70 * 77, 1), b = drawn(70 * 77, 2);
  std::uint64_t hash = 14695981039346656037u;
  const auto add = [&](const std::vector<Real>& values) {
    std::vector<unsigned char> bytes(values.size() * sizeof(Real));
    std::memcpy(bytes.data(), values.data(), bytes.size());
    for (const unsigned char byte : bytes) hash = (hash ^ byte) * 1099511628211u;
  };
  for (const Index rows : {1, 5, 8, 9, 40}) {
    std::vector<Real> c(static_cast<std::size_t>(rows * 70), Real(0.25));
    TileGemm::add<Product::right_transposed, Real>(context, View<const Real, Cpu<>>(a.data(), rows, 77),
                                                   View<const Real, Cpu<>>(b.data(), 70, 77),
                                                   View<Real, Cpu<>>(c.data(), rows, 70));
    add(c);
  }
  const auto& kernels = cpu::row_kernels<Real>();
  const auto& swiglu = cpu::swiglu_kernels<Real>();
  auto x = a, y = b, h = a, m = b, v = a;
  swiglu.forward(1003, x.data(), y.data(), h.data());
  const Real inner = swiglu.backward(1003, Real(0.7), x.data(), y.data(), h.data());
  kernels.add_scaled(1003, Real(0.3), y.data(), x.data());
  const AdamWScalars<Real> pace{Real(0.9),  Real(0.9), Real(0.99), Real(0.1),  Real(0.01),
                                Real(0.01), Real(1.5), Real(1e-8), Real(0.999)};
  for (Real& value : v) value *= value;
  cpu::adamw_kernel<MasterWeights::float32, Real, Real>()(5000, pace, {}, 0, a.data(), y.data(), nullptr, m.data(),
                                                          v.data());
  kernels.softmax_backward(1003, Real(0.7), Real(0.1), a.data(), m.data());
  add({inner, kernels.dot(a.data(), b.data(), 1003), static_cast<Real>(kernels.sum_of_squares(a.data(), 1003)),
       kernels.exponentials(1003, Real(3), h.data(), h.data())});
  for (const auto* values : {&x, &y, &h, &m, &v}) add(*values);
  return hash;
}

/// The same for the kernels on bfloat16 values.
std::uint64_t hash_of_narrow_kernels() {
  using namespace moe;
  std::vector<BFloat16> x(40 * 35), w(33 * 35);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = BFloat16(static_cast<float>(i % 37) / 7 - 2);
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = BFloat16(static_cast<float>(i % 41) / 9 - 2);
  const CpuContext context;
  using In = View<const BFloat16, Cpu<>>;
  const Index offsets[] = {0, 9, 40};
  Matrix<BFloat16, Cpu<>> y(40, 33), d_x(40, 35);
  Matrix<float, Cpu<>> d_w_0(33, 35), d_w_1(33, 35);
  const In weights[] = {In(w.data(), 33, 35), In(w.data(), 33, 35)};
  const View<float, Cpu<>> gradients[] = {d_w_0.view(), d_w_1.view()};
  Cpu<>::grouped_product(context, In(x.data(), 40, 35), {weights, 2}, {offsets, 3}, y.view());
  Cpu<>::add_grouped_dgrad(context, y, {weights, 2}, {offsets, 3}, d_x.view());
  Cpu<>::grouped_wgrad<BFloat16, float>(context, y.const_view(), In(x.data(), 40, 35), {offsets, 3}, {gradients, 2});
  std::vector<BFloat16> m(x.size()), v(x.size());
  std::vector<std::uint16_t> lower(x.size());
  const std::vector<float> gradient(x.size(), 0.3f);
  const AdamWScalars<float> pace{0.9f, 0.9f, 0.99f, 0.1f, 0.01f, 0.01f, 1.5f, 1e-8f, 0.999f};
  cpu::adamw_kernel<MasterWeights::split, BFloat16, BFloat16>()(
      static_cast<Index>(x.size()), pace, {1, 2, 3}, 0, gradient.data(), x.data(), lower.data(), m.data(), v.data());
  std::uint64_t hash = 14695981039346656037u;
  const auto add = [&](const auto* values, Index count) {
    std::vector<unsigned char> bytes(static_cast<std::size_t>(count) * sizeof *values);
    std::memcpy(bytes.data(), values, bytes.size());
    for (const unsigned char byte : bytes) hash = (hash ^ byte) * 1099511628211u;
  };
  for (const auto* matrix : {&y, &d_x}) add(matrix->data(), matrix->size());
  for (const auto* matrix : {&d_w_0, &d_w_1}) add(matrix->data(), matrix->size());
  for (const auto* values : {&x, &m, &v}) add(values->data(), static_cast<Index>(values->size()));
  add(lower.data(), static_cast<Index>(lower.size()));
  return hash;
}

}  // namespace

std::uint64_t FUNCTION();
std::uint64_t FUNCTION() { return hash_of_kernels<float>() ^ hash_of_kernels<double>() ^ hash_of_narrow_kernels(); }
