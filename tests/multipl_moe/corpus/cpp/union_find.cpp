#include <algorithm>
#include <iostream>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

/// Disjoint sets with union by size and path halving.
class UnionFind {
 public:
  explicit UnionFind(int count) : parent_(count), size_(count, 1), sets_(count) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }

  int find(int element) {
    while (parent_[element] != element) {
      parent_[element] = parent_[parent_[element]];
      element = parent_[element];
    }
    return element;
  }

  bool unite(int a, int b) {
    a = find(a);
    b = find(b);
    if (a == b) return false;
    if (size_[a] < size_[b]) std::swap(a, b);
    parent_[b] = a;
    size_[a] += size_[b];
    --sets_;
    return true;
  }

  int sets() const { return sets_; }

 private:
  std::vector<int> parent_;
  std::vector<int> size_;
  int sets_;
};

struct Road {
  double length;
  int from;
  int to;
};

/// Kruskal: the shortest roads that connect all towns. Sorts `roads`.
std::vector<Road> spanning_tree(std::vector<Road>& roads, int towns) {
  std::sort(roads.begin(), roads.end(), [](const Road& a, const Road& b) { return a.length < b.length; });
  UnionFind connected(towns);
  std::vector<Road> tree;
  for (const Road& road : roads) {
    if (connected.unite(road.from, road.to)) tree.push_back(road);
    if (connected.sets() == 1) break;
  }
  return tree;
}

int main() {
  std::vector<Road> roads{{4.0, 0, 1}, {8.0, 1, 2}, {7.0, 2, 3}, {9.0, 3, 4}, {1.0, 0, 4}, {2.0, 1, 4}};
  double length = 0.0;
  for (const Road& road : spanning_tree(roads, 5)) {
    std::cout << road.from << " - " << road.to << ": " << road.length << '\n';
    length += road.length;
  }
  std::cout << "total " << length << '\n';
}
