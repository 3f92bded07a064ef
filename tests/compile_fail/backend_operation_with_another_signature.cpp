// error: Backend: drop_overflow(context, take, chosen_RE, dropped_1E) is missing or has another signature, see
// moe/backend/contract/routing.hpp
#include "moe/backend/cpu/cpu.hpp"

using namespace moe;

struct Mine : cpu::Operations<Mine> {
  /// `take` is the last parameter.
  static void drop_overflow(const Context& context, View<ChoiceOrder, Mine> chosen_RE, View<Index, Mine> dropped_1E,
                            Index take) {
    cpu::RoutingOperations<Mine>::drop_overflow(context, take, chosen_RE, dropped_1E);
  }
};

static_assert(check_backend<Mine, float>());
