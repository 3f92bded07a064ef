// expected: timeout, out_of_memory, exited 1
// Each instance needs two more, so that the compiler does not end.
template <int Depth, int Way>
struct Twice {
  static constexpr long value = Twice<Depth - 1, 2 * Way>::value + Twice<Depth - 1, 2 * Way + 1>::value;
};
template <int Way>
struct Twice<0, Way> {
  static constexpr long value = Way;
};
int main() { return Twice<40, 0>::value; }
