// Times a Mixtral layer of ggml, as llama.cpp builds it: router, softmax, top-k, three indirect products, weighted sum.
// cpu.py runs it. It must be built by hand with a ggml that was built for this machine (CMAKE_BUILD_TYPE=Release,
// BUILD_SHARED_LIBS=OFF):
//
//   g++ -std=c++20 -O2 -I GGML/include bench/peers/ggml_layer.cpp -o build/ggml_layer
//       GGML/build/src/libggml.a GGML/build/src/libggml-cpu.a GGML/build/src/libggml-base.a -ldl -lpthread
//
// ggml_layer ROWS WIDTH HIDDEN EXPERTS CHOSEN f32|f16|bf16|q8_0|q4_0 THREADS SECONDS BATCH prints the median time of
// one call on BATCH rows, in ms.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "ggml-cpu.h"
#include "ggml.h"

namespace {

struct Shape {
  std::int64_t rows, width, hidden, experts, chosen;
};

/// Uniform values in [-scale, scale), converted to the tensor's type.
void fill(ggml_tensor* tensor, float scale, std::mt19937& random) {
  std::uniform_real_distribution<float> uniform(-scale, scale);
  std::vector<float> row(static_cast<std::size_t>(tensor->ne[0]));
  for (std::int64_t r = 0; r < ggml_nrows(tensor); ++r) {
    for (float& value : row) value = uniform(random);
    ggml_quantize_chunk(tensor->type, row.data(), static_cast<std::byte*>(tensor->data) + r * tensor->nb[1], 0, 1,
                        tensor->ne[0], nullptr);
  }
}

/// The type that `name` names; GGML_TYPE_COUNT for any other text.
ggml_type type_named(const std::string& name) {
  for (const ggml_type type : {GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_BF16, GGML_TYPE_Q8_0, GGML_TYPE_Q4_0})
    if (name == ggml_type_name(type)) return type;
  return GGML_TYPE_COUNT;
}

/// y[width, rows] of x[width, rows].
ggml_tensor* layer(ggml_context* context, const Shape& shape, ggml_tensor* router, ggml_tensor* gate, ggml_tensor* up,
                   ggml_tensor* down, ggml_tensor* x) {
  const std::int64_t rows = x->ne[1];
  ggml_tensor* const probabilities = ggml_soft_max(context, ggml_mul_mat(context, router, x));
  ggml_tensor* const who = ggml_argsort_top_k(context, probabilities, static_cast<int>(shape.chosen));
  ggml_tensor* gates = ggml_get_rows(context, ggml_reshape_3d(context, probabilities, 1, shape.experts, rows), who);
  gates = ggml_reshape_2d(context, gates, shape.chosen, rows);
  gates = ggml_div(context, gates, ggml_sum_rows(context, gates));
  gates = ggml_reshape_3d(context, gates, 1, shape.chosen, rows);
  ggml_tensor* const each = ggml_reshape_3d(context, x, shape.width, 1, rows);
  ggml_tensor* const hidden =
      ggml_swiglu_split(context, ggml_mul_mat_id(context, gate, each, who), ggml_mul_mat_id(context, up, each, who));
  ggml_tensor* const answers = ggml_mul(context, ggml_mul_mat_id(context, down, hidden, who), gates);
  ggml_tensor* y = nullptr;
  for (std::int64_t k = 0; k < shape.chosen; ++k) {
    ggml_tensor* const one =
        ggml_view_2d(context, answers, shape.width, rows, answers->nb[2], static_cast<std::size_t>(k) * answers->nb[1]);
    y = y == nullptr ? one : ggml_add(context, y, one);
  }
  return y;
}

}  // namespace

int main(int count, char** arguments) {
  const ggml_type type = count == 10 ? type_named(arguments[6]) : GGML_TYPE_COUNT;
  if (type == GGML_TYPE_COUNT) {
    std::fprintf(stderr,
                 "usage: ggml_layer ROWS WIDTH HIDDEN EXPERTS CHOSEN f32|f16|bf16|q8_0|q4_0 THREADS SECONDS BATCH\n");
    return 2;
  }
  const auto number = [&](int i) { return std::atoll(arguments[i]); };
  const Shape shape{number(1), number(2), number(3), number(4), number(5)};
  const int threads = static_cast<int>(number(7));
  const double seconds = std::atof(arguments[8]);
  const std::int64_t batch = number(9);

  const auto values = static_cast<std::size_t>(shape.experts * shape.width * shape.hidden * 3);
  const auto pairs = static_cast<std::size_t>(batch * shape.chosen);
  const std::size_t bytes = ggml_row_size(type, static_cast<std::int64_t>(values)) +
                            pairs * static_cast<std::size_t>(6 * shape.width + 6 * shape.hidden) * sizeof(float) +
                            static_cast<std::size_t>(shape.rows * shape.width) * sizeof(float) + (64u << 20);
  ggml_context* const context = ggml_init({bytes, nullptr, false});
  std::mt19937 random(1);
  const auto weight = [&](std::int64_t in, std::int64_t out) {
    ggml_tensor* const tensor = ggml_new_tensor_3d(context, type, in, out, shape.experts);
    fill(tensor, 0.05f, random);
    return tensor;
  };
  ggml_tensor* const router = ggml_new_tensor_2d(context, GGML_TYPE_F32, shape.width, shape.experts);
  fill(router, 0.05f, random);
  ggml_tensor *const gate = weight(shape.width, shape.hidden), *const up = weight(shape.width, shape.hidden),
                     *const down = weight(shape.hidden, shape.width);
  ggml_tensor* const all = ggml_new_tensor_2d(context, GGML_TYPE_F32, shape.width, shape.rows);
  fill(all, 1.0f, random);
  ggml_tensor* const x = ggml_new_tensor_2d(context, GGML_TYPE_F32, shape.width, batch);

  ggml_cgraph* const graph = ggml_new_graph(context);
  ggml_build_forward_expand(graph, layer(context, shape, router, gate, up, down, x));
  ggml_threadpool_params parameters = ggml_threadpool_params_default(threads);
  ggml_threadpool* const pool = ggml_threadpool_new(&parameters);
  ggml_cplan plan = ggml_graph_plan(graph, threads, pool);
  std::vector<std::uint8_t> work(plan.work_size);
  plan.work_data = work.data();

  using Clock = std::chrono::steady_clock;
  std::vector<double> times;
  const auto until = Clock::now() + std::chrono::duration<double>(seconds);
  for (std::int64_t step = 0; times.size() < 4 || Clock::now() < until; ++step) {
    const auto first = static_cast<std::size_t>(step % (shape.rows / batch) * batch * shape.width);
    const auto begin = Clock::now();
    std::memcpy(x->data, static_cast<float*>(all->data) + first, ggml_nbytes(x));
    ggml_graph_compute(graph, &plan);
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
  }
  // The first call is not counted: caches are cold and threads are still starting.
  times.erase(times.begin());
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  std::printf("%.6f\n", times[times.size() / 2]);
  ggml_threadpool_free(pool);
  ggml_free(context);
}
