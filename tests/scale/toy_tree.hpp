/// A small parameter tree of every kind of tensor, for tests of sharded training.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/comm/ranks_over.hpp"
#include "moe/train/sharded.hpp"
#include "support/random_tensors.hpp"
#include "support/thread_comm.hpp"

namespace moe::testing {

/// Five tensors, one of them frozen in gradients; the router's stay in accumulation precision, as in layers.
template <class Value_>
struct Toy {
  using Value = Value_;
  using Backend = Cpu<>;
  using Context = CpuContext;
  template <class Other>
  using rebind = Toy<Other>;

  Matrix<Value, Cpu<>> up, frozen, down;
  Matrix<Accum<Value>, Cpu<>> router;
  Vector<Value, Cpu<>> bias;

  Toy() = default;
  static Toy zero() {
    Toy toy;
    toy.up = {7, 5};
    toy.frozen = {4, 4};
    toy.down = {3, 37};
    toy.router = {3, 5};
    toy.bias = Vector<Value, Cpu<>>(9);
    return toy;
  }
  Toy empty_tree() const { return {}; }
  template <class Other>
  Toy<Other> empty_tree_of() const {
    return {};
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    visit(prefix + "up", trees.up...);
    visit(prefix + "frozen", trees.frozen...);
    visit(prefix + "router", trees.router...);
    visit(prefix + "bias", trees.bias...);
    visit(prefix + "down", trees.down...);
  }
};

template <class Value>
Toy<Value> random_toy(std::uint32_t number) {
  auto toy = Toy<Value>::zero();
  Draw draw("toy", number);
  for_each_tensor(
      [&](auto& tensor) {
        using Stored = typename std::remove_cvref_t<decltype(tensor)>::Value;
        for (Index i = 0; i < tensor.size(); ++i)
          tensor.data()[i] = static_cast<Stored>(static_cast<Accum<Stored>>(draw.normal()));
      },
      toy);
  return toy;
}
/// A gradient tree without `frozen`.
template <class Value>
auto toy_gradient(const Toy<Value>& toy) {
  return accum_gradient_for(toy, [](const std::string& name) { return name != "frozen"; });
}
/// Gradients of many magnitudes, whose sum depends on its order.
template <class Value>
void fill_gradient(Toy<Value>& gradient, std::uint32_t number) {
  Draw draw("toy gradient", number);
  for_each_tensor(
      [&](auto& tensor) {
        for (Index i = 0; i < tensor.size(); ++i)
          tensor.data()[i] =
              static_cast<Value>(draw.normal() * std::pow(10.0, static_cast<double>(draw.between(-4, 4))));
      },
      gradient);
}
/// All values by name, exactly.
template <class Tree>
std::map<std::string, std::vector<double>> values_by_name(const Tree& tree) {
  std::map<std::string, std::vector<double>> result;
  for_each_parameter(
      [&](const std::string& name, const auto& tensor) {
        for (Index i = 0; i < tensor.size(); ++i)
          result[name].push_back(static_cast<double>(widened(tensor.data()[i])));
      },
      tree);
  return result;
}

/// Throws, so that a rank that is a thread can check.
inline void require_that(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error(what);
}

/// Runs work(context) on ranks that are threads; throws the first error.
template <class Work>
void on_ranks(int ranks, const Work& work) {
  run_ranks(ranks, [&](ThreadComm comm) {
    CpuContext context{.threads = 1};
    context.ranks = ranks_over<Cpu<>>(std::move(comm));
    work(context);
  });
}

}  // namespace moe::testing
