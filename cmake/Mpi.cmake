# moe::mpi, ranks that are processes (moe/mpi.hpp). Included by this build and by the installed package.
# The header uses the C functions; the C++ bindings that older versions have beside them would be linked for nothing.
set(MPI_CXX_SKIP_MPICXX TRUE)
find_package(MPI 3.1 QUIET COMPONENTS CXX)
if(MPI_CXX_FOUND AND NOT TARGET moe::mpi)
  add_library(moe_mpi INTERFACE)
  add_library(moe::mpi ALIAS moe_mpi)
  target_link_libraries(moe_mpi INTERFACE moe::moe MPI::MPI_CXX)
endif()
