// Ranks that are processes, by their header alone.
#include <moe/mpi.hpp>

int size_again(const moe::MpiComm& comm);

int main() {
  moe::MpiComm comm;
  comm.barrier();
  return comm.rank() == 0 && size_again(comm) == 1 ? 0 : 1;
}
