#pragma once

#include <mpi.h>

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "moe/comm/errors.hpp"
#include "moe/core/require.hpp"
#include "moe/mpi/launch.hpp"

namespace moe::detail {

/// The first words of the MPI library's description of itself, such as "Open MPI v4.1.4".
inline std::string mpi_library() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  std::string name(text.data());
  name.resize((std::min)(name.find_first_of(",\n"), name.size()));
  std::replace(name.begin(), name.end(), '\t', ' ');
  return name;
}

inline std::string mpi_error(int status) {
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(status, text.data(), &length);
  return text.data();
}
inline void check_mpi(int status, std::string_view call) {
  if (status != MPI_SUCCESS) throw CommError(std::string(call) + ": " + mpi_error(status));
}

/// MPI in this process. The first engine initializes it unless the program has; then the last one finalizes it.
class MpiProcess {
 public:
  /// That of this process.
  static std::shared_ptr<MpiProcess> shared() {
    static std::weak_ptr<MpiProcess> current;
    auto process = current.lock();
    if (process == nullptr) current = process = std::make_shared<MpiProcess>();
    return process;
  }
  MpiProcess() {
    int is_initialized = 0, is_finalized = 0, threads = MPI_THREAD_SINGLE;
    MPI_Finalized(&is_finalized);
    require(is_finalized == 0, "MpiComm",
            "MPI ended in this process with its last MpiComm and cannot start again; keep ",
            "one until the program ends");
    MPI_Initialized(&is_initialized);
    is_ours_ = is_initialized == 0;
    check_mpi(is_ours_ ? MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &threads) : MPI_Query_thread(&threads),
              is_ours_ ? "MPI_Init_thread" : "MPI_Query_thread");
    if (threads >= MPI_THREAD_FUNNELED) return;
    throw CommError(is_ours_ ? mpi_library() + " was built without threads; one with MPI_THREAD_FUNNELED is needed"
                             : "this program initialized MPI for a single thread: call MPI_Init_thread with " +
                                   std::string("MPI_THREAD_FUNNELED"));
  }
  MpiProcess(const MpiProcess&) = delete;
  MpiProcess& operator=(const MpiProcess&) = delete;
  ~MpiProcess() {
    if (is_ours_ && may_end()) MPI_Finalize();
  }
  /// Whether MPI may be called to end something. After an error here the other ranks would not make the same call.
  bool may_end() const {
    int is_finalized = 0;
    MPI_Finalized(&is_finalized);
    return failure.empty() && std::uncaught_exceptions() == 0 && is_finalized == 0;
  }

  /// The first error; empty if there was none.
  std::string failure;

 private:
  bool is_ours_ = false;
};

}  // namespace moe::detail
