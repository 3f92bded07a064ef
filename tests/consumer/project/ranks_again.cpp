// A definition in the header that is not inline would be a second one here.
#include <moe/mpi.hpp>

int size_again(const moe::MpiComm& comm) { return comm.size(); }
