// expected: timeout, out_of_memory, exited 1
constexpr unsigned long forever() {
  unsigned long steps = 0;
  for (unsigned long i = 0; i < 1000000000000; ++i)
    for (unsigned long j = 0; j < 100000; ++j) steps += i ^ j;
  return steps;
}
static_assert(forever() > 0);
int main() {}
