// Times one row through the experts of a Mixtral layer with weights in float32, bfloat16, 8 and 4 bits, and measures
// the error that each makes in the layer's output: the trial by which 8 bits were chosen for the library, whose kernels
// are others; see docs/results/quantized_weights.md. It is one file, because it is built by hand, and needs a CPU with
// AVX-512 and its VNNI and bf16 instructions:
//
//   g++ -std=c++20 -O2 -march=native bench/peers/quantized_layer.cpp -o build/quantized_layer -lpthread
//
// quantized_layer [THREADS [ROUNDS [WIDTH HIDDEN EXPERTS]]] prints a table: bytes per weight, median ms of one row with
// two experts, the rate at which weights are read, and the normalized mean square error of y against float32 for normal
// and for heavy-tailed weights. Each round times every form once, so that a disturbance affects all of them.
#include <immintrin.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using Index = std::ptrdiff_t;
constexpr Index panel_rows = 16;    // rows of a weight whose values are interleaved, one in each lane
constexpr Index prefetched = 4096;  // bytes ahead of the weights that are being read
constexpr Index experts_of_a_row = 2;

/// A row of activations in the forms that kernels read.
struct Activations {
  std::vector<float> values, even, odd;  // even, odd: those of even and of odd columns, for bfloat16 weights
  std::vector<std::int8_t> bytes;        // quantized, with one scale for each group
  std::vector<std::int16_t> words;
  std::vector<float> scales;
  std::vector<std::int32_t> sums;  // of each group's bytes

  explicit Activations(Index size)
      : values(size), even(size / 2), odd(size / 2), bytes(size), words(size), scales(size / 16), sums(size / 16) {}
};

void prefetch(const std::byte* at) { _mm_prefetch(reinterpret_cast<const char*>(at) + prefetched, _MM_HINT_T0); }
/// 16 half-precision scales as floats.
__m512 load_scales(const std::byte* from) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}
std::uint16_t as_half(float value) {
  return static_cast<std::uint16_t>(_mm_extract_epi16(_mm_cvtps_ph(_mm_set_ss(value), _MM_FROUND_TO_NEAREST_INT), 0));
}
float half_as_float(std::uint16_t half) { return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(half))); }

// --- forms of a weight ----------------------------------------------------------------------------------------------
// bytes(rows, cols) of a weight; pack(w, rows, cols, to); prepare(x, size) completes the activations; panel(packed,
// cols, x, y) multiplies the 16 rows of one panel.

struct Float32 {
  static Index bytes(Index rows, Index cols) { return rows * cols * 4; }
  static void pack(const float* w, Index rows, Index cols, std::byte* to) { std::memcpy(to, w, rows * cols * 4); }
  static void prepare(Activations&, Index) {}
  static void panel(const std::byte* packed, Index cols, const Activations& x, float* y) {
    const auto* w = reinterpret_cast<const float*>(packed);
    for (Index r = 0; r < panel_rows; ++r, w += cols) {
      __m512 sums[4] = {};
      for (Index k = 0; k < cols; k += 64)
#pragma GCC unroll 4
        for (Index i = 0; i < 4; ++i) {
          prefetch(reinterpret_cast<const std::byte*>(w + k + 16 * i));
          sums[i] = _mm512_fmadd_ps(_mm512_loadu_ps(w + k + 16 * i), _mm512_loadu_ps(&x.values[k + 16 * i]), sums[i]);
        }
      y[r] = _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3])));
    }
  }
};

struct BFloat16 {
  static Index bytes(Index rows, Index cols) { return rows * cols * 2; }
  static void pack(const float* w, Index rows, Index cols, std::byte* to) {
    for (Index i = 0; i < rows * cols; i += 32) {
      const auto narrow = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(w + i + 16), _mm512_loadu_ps(w + i));
      std::memcpy(to + 2 * i, &narrow, sizeof narrow);
    }
  }
  static void prepare(Activations& x, Index size) {
    for (Index k = 0; k < size / 2; ++k) x.even[k] = x.values[2 * k], x.odd[k] = x.values[2 * k + 1];
  }
  static void panel(const std::byte* w, Index cols, const Activations& x, float* y) {
    const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
    for (Index r = 0; r < panel_rows; ++r, w += 2 * cols) {
      __m512 even[2] = {}, odd[2] = {};
      for (Index k = 0; k < cols; k += 64)
#pragma GCC unroll 2
        for (Index i = 0; i < 2; ++i) {
          const Index at = k + 32 * i;
          prefetch(w + 2 * at);
          const __m512i pairs = _mm512_loadu_si512(w + 2 * at);
          even[i] = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16)), _mm512_loadu_ps(&x.even[at / 2]),
                                    even[i]);
          odd[i] = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_and_si512(pairs, upper)), _mm512_loadu_ps(&x.odd[at / 2]),
                                   odd[i]);
        }
      y[r] = _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(even[0], even[1]), _mm512_add_ps(odd[0], odd[1])));
    }
  }
};

/// The same in panels: every two columns have two values of each row.
struct BFloat16Panels {
  static Index bytes(Index rows, Index cols) { return rows * cols * 2; }
  static void pack(const float* w, Index rows, Index cols, std::byte* to) {
    std::vector<std::uint16_t> plain(rows * cols);
    BFloat16::pack(w, rows, cols, reinterpret_cast<std::byte*>(plain.data()));
    for (Index p = 0; p < rows; p += panel_rows)
      for (Index k = 0; k < cols; k += 2)
        for (Index r = 0; r < panel_rows; ++r, to += 4) std::memcpy(to, &plain[(p + r) * cols + k], 4);
  }
  static void prepare(Activations&, Index) {}
  static void panel(const std::byte* w, Index cols, const Activations& x, float* y) {
    const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
    __m512 sums[4] = {};
    for (Index k = 0; k < cols; k += 4)
#pragma GCC unroll 2
      for (Index i = 0; i < 4; i += 2) {
        prefetch(w + 2 * panel_rows * (k + i));
        const __m512i pairs = _mm512_loadu_si512(w + 2 * panel_rows * (k + i));
        sums[i] = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16)), _mm512_set1_ps(x.values[k + i]),
                                  sums[i]);
        sums[i + 1] = _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_and_si512(pairs, upper)),
                                      _mm512_set1_ps(x.values[k + i + 1]), sums[i + 1]);
      }
    _mm512_storeu_ps(y, _mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3])));
  }
};

/// Activations quantized to integers of magnitude at most `most`, with one scale for `group` values.
template <Index group, class Integer>
void quantize(Activations& x, Index size, int most, std::vector<Integer>& to) {
  for (Index g = 0; g < size / group; ++g) {
    const float* const from = &x.values[g * group];
    float largest = 0;
    for (Index k = 0; k < group; ++k) largest = std::max(largest, std::abs(from[k]));
    const float inverse = largest > 0 ? static_cast<float>(most) / largest : 0;
    std::int32_t sum = 0;
    for (Index k = 0; k < group; k += 16) {
      const __m512i rounded = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(from + k), _mm512_set1_ps(inverse)));
      std::int32_t whole[16];
      _mm512_storeu_si512(whole, rounded);
      for (Index i = 0; i < 16; ++i) to[g * group + k + i] = static_cast<Integer>(whole[i]);
      sum += _mm512_reduce_add_epi32(rounded);
    }
    x.scales[g] = largest / static_cast<float>(most);
    x.sums[g] = sum;
  }
}

/// Quantizes panels of 16 rows to [least, most] in groups of `group` columns. A packed panel has 16 half-precision
/// scales for each group, then the values of all groups, `group_bytes` for each; put(to, row, k, value) stores one in
/// its group.
template <Index group, class Put>
void pack_groups(const float* w, Index rows, Index cols, int least, int most, Index group_bytes, std::byte* to,
                 const Put& put) {
  const Index groups = cols / group;
  std::memset(to, 0, static_cast<std::size_t>(rows / panel_rows * groups * (group_bytes + 2 * panel_rows)));
  for (Index p = 0; p < rows; p += panel_rows) {
    std::byte *scales = to, *values = to + groups * 2 * panel_rows;
    for (Index g = 0; g < groups; ++g, scales += 2 * panel_rows, values += group_bytes)
      for (Index r = 0; r < panel_rows; ++r) {
        const float* const from = w + (p + r) * cols + g * group;
        // If the range is not symmetric, the value of largest magnitude is represented by its longer side.
        float extreme = 0;
        for (Index k = 0; k < group; ++k)
          if (std::abs(from[k]) > std::abs(extreme)) extreme = from[k];
        const std::uint16_t half =
            as_half(-least > most ? extreme / static_cast<float>(least) : std::abs(extreme) / static_cast<float>(most));
        std::memcpy(scales + 2 * r, &half, 2);
        const float scale = half_as_float(half), inverse = scale != 0 ? 1 / scale : 0;
        for (Index k = 0; k < group; ++k)
          put(values, r, k, std::clamp(static_cast<int>(std::lrint(from[k] * inverse)), least, most));
      }
    to = values;
  }
}

/// y = sum over groups of (scales of w * scale of x * integer product), which product(values, group's number) computes.
template <Index group, class Product>
void multiply_groups(const std::byte* packed, Index cols, Index group_bytes, const Activations& x, float* y,
                     const Product& product) {
  const Index groups = cols / group;
  const std::byte *scales = packed, *values = packed + groups * 2 * panel_rows;
  __m512 total = _mm512_setzero_ps();
  for (Index g = 0; g < groups; ++g, scales += 2 * panel_rows, values += group_bytes) {
    if (g % 2 == 0) prefetch(scales);
#pragma GCC unroll 16
    for (Index at = 0; at < group_bytes; at += 64) prefetch(values + at);
    total = _mm512_fmadd_ps(_mm512_mul_ps(load_scales(scales), _mm512_set1_ps(x.scales[g])),
                            _mm512_cvtepi32_ps(product(values, g)), total);
  }
  _mm512_storeu_ps(y, total);
}

/// Four neighboring bytes, or two words, in every lane.
template <class Integer>
__m512i broadcast(const Integer* from) {
  std::int32_t bits;
  std::memcpy(&bits, from, 4);
  return _mm512_set1_epi32(bits);
}

/// 8 bits, and activations of 16 bits, whose error is negligible. Of a group every two columns have two bytes of each
/// row.
template <Index group>
struct Int8Times16 {
  static constexpr Index group_bytes = group * panel_rows;
  static Index bytes(Index rows, Index cols) { return rows * cols + rows * (cols / group) * 2; }
  static void pack(const float* w, Index rows, Index cols, std::byte* to) {
    pack_groups<group>(w, rows, cols, -127, 127, group_bytes, to, [](std::byte* values, Index r, Index k, int q) {
      values[k / 2 * 2 * panel_rows + 2 * r + k % 2] = static_cast<std::byte>(q);
    });
  }
  static void prepare(Activations& x, Index size) { quantize<group>(x, size, 32767, x.words); }
  static void panel(const std::byte* w, Index cols, const Activations& x, float* y) {
    multiply_groups<group>(w, cols, group_bytes, x, y, [&](const std::byte* values, Index g) {
      __m512i sums[2] = {};
#pragma GCC unroll 32
      for (Index k = 0; k < group; k += 2) {
        const auto* const from = reinterpret_cast<const __m256i*>(values + k * panel_rows);
        sums[k / 2 % 2] = _mm512_dpwssd_epi32(sums[k / 2 % 2], _mm512_cvtepi8_epi16(_mm256_loadu_si256(from)),
                                              broadcast(&x.words[g * group + k]));
      }
      return _mm512_add_epi32(sums[0], sums[1]);
    });
  }
};

/// 8 bits, unsigned with an offset of 128, and activations of 8 bits. Of a group every four columns have four bytes of
/// each row.
template <Index group>
struct Int8 {
  static constexpr Index group_bytes = group * panel_rows;
  static Index bytes(Index rows, Index cols) { return Int8Times16<group>::bytes(rows, cols); }
  static void pack(const float* w, Index rows, Index cols, std::byte* to) {
    pack_groups<group>(w, rows, cols, -127, 127, group_bytes, to, [](std::byte* values, Index r, Index k, int q) {
      values[k / 4 * 4 * panel_rows + 4 * r + k % 4] = static_cast<std::byte>(q + 128);
    });
  }
  static void prepare(Activations& x, Index size) { quantize<group>(x, size, 127, x.bytes); }
  static void panel(const std::byte* w, Index cols, const Activations& x, float* y) {
    multiply_groups<group>(w, cols, group_bytes, x, y, [&](const std::byte* values, Index g) {
      __m512i sums[2] = {_mm512_set1_epi32(-128 * x.sums[g]), _mm512_setzero_si512()};
#pragma GCC unroll 16
      for (Index k = 0; k < group; k += 4)
        sums[k / 4 % 2] = _mm512_dpbusd_epi32(sums[k / 4 % 2], _mm512_loadu_si512(values + k * panel_rows),
                                              broadcast(&x.bytes[g * group + k]));
      return _mm512_add_epi32(sums[0], sums[1]);
    });
  }
};

/// 4 bits, unsigned with an offset of 8, and activations of 8 bits. Of a group every eight columns have four bytes of
/// each row, whose lower halves are the first four columns.
template <Index group>
struct Int4 {
  static constexpr Index group_bytes = group * panel_rows / 2;
  static Index bytes(Index rows, Index cols) { return rows * cols / 2 + rows * (cols / group) * 2; }
  static void pack(const float* w, Index rows, Index cols, std::byte* to) {
    pack_groups<group>(w, rows, cols, -8, 7, group_bytes, to, [](std::byte* values, Index r, Index k, int q) {
      values[k / 8 * 4 * panel_rows + 4 * r + k % 4] |= static_cast<std::byte>((q + 8) << (k % 8 / 4 * 4));
    });
  }
  static void prepare(Activations& x, Index size) { quantize<group>(x, size, 127, x.bytes); }
  static void panel(const std::byte* w, Index cols, const Activations& x, float* y) {
    const __m512i low = _mm512_set1_epi8(15);
    multiply_groups<group>(w, cols, group_bytes, x, y, [&](const std::byte* values, Index g) {
      __m512i sums[2] = {_mm512_set1_epi32(-8 * x.sums[g]), _mm512_setzero_si512()};
#pragma GCC unroll 8
      for (Index k = 0; k < group; k += 8) {
        const __m512i both = _mm512_loadu_si512(values + k * panel_rows / 2);
        const std::int8_t* const of_x = &x.bytes[g * group + k];
        sums[0] = _mm512_dpbusd_epi32(sums[0], _mm512_and_si512(both, low), broadcast(of_x));
        sums[1] = _mm512_dpbusd_epi32(sums[1], _mm512_and_si512(_mm512_srli_epi16(both, 4), low), broadcast(of_x + 4));
      }
      return _mm512_add_epi32(sums[0], sums[1]);
    });
  }
};

// --- the layer ------------------------------------------------------------------------------------------------------

/// The experts' weights before packing, two different ones: [gate, up, down] of each.
struct Weights {
  Index width, hidden;
  std::vector<std::vector<float>> of[experts_of_a_row];
};

Weights draw(Index width, Index hidden, const std::function<float()>& value) {
  Weights weights{width, hidden, {}};
  for (auto& expert : weights.of)
    for (int i = 0; i < 3; ++i) {
      expert.emplace_back(width * hidden);
      std::generate(expert.back().begin(), expert.back().end(), value);
    }
  return weights;
}

/// Threads that run a function together with the thread that calls it.
class Team {
 public:
  explicit Team(int threads) : barrier_(threads) {
    for (int t = 1; t < threads; ++t)
      helpers_.emplace_back([this, t] {
        for (;;) {
          barrier_.arrive_and_wait();
          if (!work_) return;
          (*work_)(t);
          barrier_.arrive_and_wait();
        }
      });
  }
  ~Team() {
    work_ = nullptr;
    barrier_.arrive_and_wait();
    for (std::thread& helper : helpers_) helper.join();
  }
  int size() const { return static_cast<int>(helpers_.size()) + 1; }
  void run(const std::function<void(int)>& work) {
    work_ = &work;
    barrier_.arrive_and_wait();
    work(0);
    barrier_.arrive_and_wait();
  }

 private:
  const std::function<void(int)>* work_ = nullptr;
  std::barrier<> barrier_;
  std::vector<std::thread> helpers_;
};

/// One form of the layer: the experts packed, and one row through two of them.
template <class Form>
class Layer {
 public:
  Layer(const Weights& weights, Index experts)
      : width_(weights.width), hidden_(weights.hidden), bytes_(Form::bytes(hidden_, width_)), packed_(experts) {
    for (Index e = 0; e < experts; ++e) {
      packed_[e].reset(static_cast<std::byte*>(std::aligned_alloc(64, (3 * bytes_ + prefetched + 63) / 64 * 64)));
      if (e >= experts_of_a_row)  // further experts have the same values at other addresses
        std::memcpy(packed_[e].get(), packed_[e % experts_of_a_row].get(), 3 * bytes_);
      else
        for (int i = 0; i < 3; ++i) {
          const bool down = i == 2;
          Form::pack(weights.of[e][i].data(), down ? width_ : hidden_, down ? hidden_ : width_,
                     packed_[e].get() + i * bytes_);
        }
    }
  }

  Index bytes_of_a_row() const { return experts_of_a_row * 3 * bytes_; }

  /// y = 0.6 e_first(x) + 0.4 e_(first + 1)(x)
  void run(Team& team, Index first, const float* x, float* y) {
    std::vector<float> gate_and_up(2 * experts_of_a_row * hidden_), answers(experts_of_a_row * width_);
    team.run([&](int thread) {
      Activations row(width_);
      std::copy(x, x + width_, row.values.begin());
      Form::prepare(row, width_);
      each_panel(team, thread, 2 * experts_of_a_row * hidden_, [&](Index at) {
        const Index weight = at / hidden_, row_of_it = at % hidden_;
        Form::panel(packed_[first + weight / 2].get() + weight % 2 * bytes_ + row_of_it * bytes_ / hidden_, width_, row,
                    &gate_and_up[at]);
      });
    });
    team.run([&](int thread) {
      std::vector<Activations> rows(experts_of_a_row, Activations(hidden_));
      for (Index e = 0; e < experts_of_a_row; ++e) {
        const float *const gate = &gate_and_up[2 * e * hidden_], *const up = gate + hidden_;
        for (Index i = 0; i < hidden_; ++i) rows[e].values[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
        Form::prepare(rows[e], hidden_);
      }
      each_panel(team, thread, experts_of_a_row * width_, [&](Index at) {
        const Index e = at / width_, row_of_it = at % width_;
        Form::panel(packed_[first + e].get() + 2 * bytes_ + row_of_it * bytes_ / width_, hidden_, rows[e],
                    &answers[at]);
      });
    });
    for (Index i = 0; i < width_; ++i) y[i] = 0.6f * answers[i] + 0.4f * answers[width_ + i];
  }

 private:
  /// Calls work(row) for this thread's share of the panels of `rows` rows.
  template <class Work>
  static void each_panel(const Team& team, int thread, Index rows, const Work& work) {
    const Index panels = rows / panel_rows;
    for (Index p = panels * thread / team.size(); p < panels * (thread + 1) / team.size(); ++p) work(p * panel_rows);
  }

  struct Free {
    void operator()(std::byte* data) const { std::free(data); }
  };
  Index width_, hidden_, bytes_;
  std::vector<std::unique_ptr<std::byte, Free>> packed_;
};

using Rows = std::vector<std::vector<float>>;

/// A form of which only what the table needs is known.
struct Measured {
  std::string name;
  Index bytes_of_a_row;
  std::function<void(Index step)> run;
  std::vector<Rows> outputs;  // of normal weights, of heavy-tailed ones
  std::vector<double> times;
};

template <class Form>
Measured prepare(const std::string& name, const std::vector<Weights>& weights, Index experts, Team& team,
                 const Rows& x) {
  Measured measured{name, 0, {}, {}, {}};
  const Index width = weights[0].width;
  const auto answer = [&](Layer<Form>& layer) {
    Rows y;
    for (const auto& row : x) layer.run(team, 0, row.data(), y.emplace_back(width).data());
    return y;
  };
  const auto layer = std::make_shared<Layer<Form>>(weights[0], experts);
  measured.bytes_of_a_row = layer->bytes_of_a_row();
  measured.outputs.push_back(answer(*layer));
  for (std::size_t i = 1; i < weights.size(); ++i) {
    Layer<Form> other(weights[i], experts_of_a_row);
    measured.outputs.push_back(answer(other));
  }
  measured.run = [layer, &team, &x, experts, y = std::vector<float>(width)](Index step) mutable {
    layer->run(team, step * experts_of_a_row % (experts / experts_of_a_row * experts_of_a_row),
               x[step % x.size()].data(), y.data());
  };
  return measured;
}

double nmse(const Rows& found, const Rows& expected) {
  double error = 0, whole = 0;
  for (std::size_t r = 0; r < found.size(); ++r)
    for (std::size_t i = 0; i < found[r].size(); ++i) {
      error += std::pow(static_cast<double>(found[r][i]) - expected[r][i], 2);
      whole += std::pow(static_cast<double>(expected[r][i]), 2);
    }
  return error / whole;
}

}  // namespace

int main(int count, char** arguments) {
  const auto number = [&](int i, Index otherwise) { return i < count ? std::atoll(arguments[i]) : otherwise; };
  const Index threads = number(1, 2), rounds = number(2, 40), width = number(3, 2048), hidden = number(4, 5504),
              experts = number(5, 12);
  if (count > 6 || threads < 1 || rounds < 1 || width < 64 || hidden < 64 || width % 64 != 0 || hidden % 64 != 0 ||
      experts < 2) {
    std::fprintf(stderr,
                 "usage: quantized_layer [THREADS [ROUNDS [WIDTH HIDDEN EXPERTS]]], WIDTH and HIDDEN multiples of 64, "
                 "EXPERTS at least 2\n");
    return 2;
  }
  std::mt19937_64 random(1);
  std::normal_distribution<float> normal(0, 0.02f);
  // Student's t distribution has the variance d / (d - 2); with 4 degrees of freedom its fourth moment is infinite.
  std::student_t_distribution<float> heavy(4);
  const std::vector<Weights> weights{draw(width, hidden, [&] { return normal(random); }),
                                     draw(width, hidden, [&] { return 0.02f / std::sqrt(2.0f) * heavy(random); })};
  Rows x(16, std::vector<float>(width));
  for (auto& row : x)
    for (float& value : row) value = normal(random) / 0.02f;

  Team team(static_cast<int>(threads));
  std::vector<Measured> all;
  all.push_back(prepare<Float32>("float32", weights, experts, team, x));
  all.push_back(prepare<BFloat16>("bfloat16, rows", weights, experts, team, x));
  all.push_back(prepare<BFloat16Panels>("bfloat16, panels", weights, experts, team, x));
  all.push_back(prepare<Int8Times16<16>>("8 bits, groups of 16, 16-bit x", weights, experts, team, x));
  all.push_back(prepare<Int8Times16<32>>("8 bits, groups of 32, 16-bit x", weights, experts, team, x));
  all.push_back(prepare<Int8Times16<64>>("8 bits, groups of 64, 16-bit x", weights, experts, team, x));
  all.push_back(prepare<Int8<32>>("8 bits, groups of 32, 8-bit x", weights, experts, team, x));
  all.push_back(prepare<Int8<64>>("8 bits, groups of 64, 8-bit x", weights, experts, team, x));
  all.push_back(prepare<Int4<32>>("4 bits, groups of 32, 8-bit x", weights, experts, team, x));
  all.push_back(prepare<Int4<64>>("4 bits, groups of 64, 8-bit x", weights, experts, team, x));

  constexpr std::size_t yardstick = 2;
  // The first round warms up. A round is as many rows as there are pairs of experts.
  const Index steps = experts / experts_of_a_row;
  for (Index round = 0; round <= rounds; ++round)
    for (Measured& measured : all) {
      const auto begin = std::chrono::steady_clock::now();
      for (Index step = 0; step < steps; ++step) measured.run(step);
      const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begin;
      if (round > 0) measured.times.push_back(time.count() / static_cast<double>(steps));
    }

  std::printf("one row, 2 of %td experts, width %td, %td hidden channels, %td threads, medians of %td rounds\n\n",
              experts, width, hidden, threads, rounds);
  std::printf(
      "| weights | bytes per weight | ms | least ms | GB/s | bfloat16 panels / this (quartiles) | NMSE, normal | NMSE, "
      "heavy-tailed |\n"
      "|---|---|---|---|---|---|---|---|\n");
  const auto quantile = [](std::vector<double> values, double share) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
  };
  for (const Measured& measured : all) {
    std::vector<double> gains;
    for (std::size_t r = 0; r < measured.times.size(); ++r)
      gains.push_back(all[yardstick].times[r] / measured.times[r]);
    const double ms = quantile(measured.times, 0.5);
    std::printf(
        "| %s | %.3f | %.2f | %.2f | %.1f | %.2f (%.2f - %.2f) | %.1e | %.1e |\n", measured.name.c_str(),
        static_cast<double>(measured.bytes_of_a_row) / static_cast<double>(experts_of_a_row * 3 * width * hidden), ms,
        quantile(measured.times, 0), static_cast<double>(measured.bytes_of_a_row) / ms * 1e-6, quantile(gains, 0.5),
        quantile(gains, 0.25), quantile(gains, 0.75), nmse(measured.outputs[0], all[0].outputs[0]),
        nmse(measured.outputs[1], all[0].outputs[1]));
  }
}
