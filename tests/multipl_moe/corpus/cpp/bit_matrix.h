#ifndef BIT_MATRIX_H
#define BIT_MATRIX_H

#include <cstdint>
#include <utility>
#include <vector>

// A matrix over the field of two elements, one bit an entry, rows packed into 64-bit words.
class BitMatrix {
 public:
  BitMatrix(int rows, int columns)
      : rows_(rows), columns_(columns), words_((columns + 63) / 64), bits_(rows * words_, 0) {}

  bool get(int row, int column) const { return (word(row, column) >> (column % 64)) & 1; }

  void flip(int row, int column) { word(row, column) ^= std::uint64_t{1} << (column % 64); }

  // Gaussian elimination; destroys the contents and returns the rank.
  int rank() {
    int rank = 0;
    for (int column = 0; column < columns_ && rank < rows_; ++column) {
      int pivot = rank;
      while (pivot < rows_ && !get(pivot, column)) ++pivot;
      if (pivot == rows_) continue;
      swap_rows(pivot, rank);
      for (int row = 0; row < rows_; ++row)
        if (row != rank && get(row, column)) add_row(rank, row);
      ++rank;
    }
    return rank;
  }

 private:
  std::uint64_t& word(int row, int column) { return bits_[row * words_ + column / 64]; }
  const std::uint64_t& word(int row, int column) const { return bits_[row * words_ + column / 64]; }

  void swap_rows(int a, int b) {
    if (a == b) return;
    for (int i = 0; i < words_; ++i) std::swap(bits_[a * words_ + i], bits_[b * words_ + i]);
  }

  void add_row(int from, int to) {
    for (int i = 0; i < words_; ++i) bits_[to * words_ + i] ^= bits_[from * words_ + i];
  }

  int rows_;
  int columns_;
  int words_;
  std::vector<std::uint64_t> bits_;
};

#endif
