// A source to be quoted, rightly and wrongly.
//
// Expected output:
//   one; two [three]
//     four
#include <vector>

// [plain]
int answer() { return 42; }
// [/plain]

int indented() {
  // [inner]
  std::vector<int> list{1, 2};

  if (list[0] == 1) {
    return list[1];
  }
  // [/inner]
  return 0;
}

// [open]
int never_closed();
