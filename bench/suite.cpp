#include "bench/suite.hpp"

#include <set>

namespace moe_bench {

Suite everything(const Context& context, const std::vector<Shape>& shapes) {
  Suite suite;
  for (const Shape& shape : shapes) {
    add_token_moe(suite, context, shape);
    add_segment_moe(suite, context, shape);
    add_hybrid_moe(suite, context, shape);
    for (const Index multiple : std::set<Index>{1, shape.chosen, shape.chosen + 1})
      add_dense_ffn(suite, context, shape, multiple);
    add_limits(suite, context, shape);
    add_route(suite, context, shape);
    add_balanced_assignment(suite, context, shape);
    add_dispatch(suite, context, shape);
    add_products(suite, context, shape);
    add_swiglu(suite, context, shape);
    add_combine(suite, context, shape);
    add_balance_loss(suite, context, shape);
    add_z_loss(suite, context, shape);
    add_segment(suite, context, shape);
    add_adamw(suite, context, shape);
  }
  return suite;
}

}  // namespace moe_bench
