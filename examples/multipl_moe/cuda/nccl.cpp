/// The functions of NCCL that moe/nccl.cuh calls, loaded when the first one is called.
#include "multipl_moe/cuda/nccl.hpp"

#include <nccl.h>

#include "multipl_moe/cuda/shared_library.hpp"

namespace multipl_moe {

namespace {

const SharedLibrary& nccl_library() {
  static const SharedLibrary library{"libnccl.so." + std::to_string(NCCL_MAJOR)};
  return library;
}

template <class Function>
Function* nccl_function(const char* name) {
  return nccl_library().function<Function>(name);
}

template <class Function, class... Arguments>
ncclResult_t call_nccl(Function* found, Arguments... arguments) {
  return found == nullptr ? ncclSystemError : found(arguments...);
}

}  // namespace

std::string lacks_of_nccl() {
  const SharedLibrary& library = nccl_library();
  if (library.handle != nullptr) return {};
  return library.name + ", found that the system does not load it: " + library.reason + " (apt-get install libnccl" +
         std::to_string(NCCL_MAJOR) + ", or pip install nvidia-nccl-cu" + std::to_string(CUDART_VERSION / 1000) +
         " and name its folder in LD_LIBRARY_PATH)";
}

}  // namespace multipl_moe

extern "C" {

using multipl_moe::call_nccl;
using multipl_moe::nccl_function;

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  static auto* const found = nccl_function<decltype(ncclGetUniqueId)>("ncclGetUniqueId");
  return call_nccl(found, id);
}
ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank, ncclConfig_t* config) {
  static auto* const found = nccl_function<decltype(ncclCommInitRankConfig)>("ncclCommInitRankConfig");
  return call_nccl(found, comm, ranks, id, rank, config);
}
ncclResult_t ncclCommFinalize(ncclComm_t comm) {
  static auto* const found = nccl_function<decltype(ncclCommFinalize)>("ncclCommFinalize");
  return call_nccl(found, comm);
}
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  static auto* const found = nccl_function<decltype(ncclCommDestroy)>("ncclCommDestroy");
  return call_nccl(found, comm);
}
ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* error) {
  static auto* const found = nccl_function<decltype(ncclCommGetAsyncError)>("ncclCommGetAsyncError");
  return call_nccl(found, comm, error);
}
ncclResult_t ncclGroupStart() {
  static auto* const found = nccl_function<decltype(ncclGroupStart)>("ncclGroupStart");
  return call_nccl(found);
}
ncclResult_t ncclGroupEnd() {
  static auto* const found = nccl_function<decltype(ncclGroupEnd)>("ncclGroupEnd");
  return call_nccl(found);
}
ncclResult_t ncclSend(const void* from, std::size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  static auto* const found = nccl_function<decltype(ncclSend)>("ncclSend");
  return call_nccl(found, from, count, type, peer, comm, stream);
}
ncclResult_t ncclRecv(void* to, std::size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  static auto* const found = nccl_function<decltype(ncclRecv)>("ncclRecv");
  return call_nccl(found, to, count, type, peer, comm, stream);
}
ncclResult_t ncclBroadcast(const void* from, void* to, std::size_t count, ncclDataType_t type, int root,
                           ncclComm_t comm, cudaStream_t stream) {
  static auto* const found = nccl_function<decltype(ncclBroadcast)>("ncclBroadcast");
  return call_nccl(found, from, to, count, type, root, comm, stream);
}
const char* ncclGetErrorString(ncclResult_t result) {
  static auto* const found = nccl_function<decltype(ncclGetErrorString)>("ncclGetErrorString");
  return found == nullptr ? "the library is not installed" : found(result);
}
const char* ncclGetLastError(ncclComm_t comm) {
  static auto* const found = nccl_function<decltype(ncclGetLastError)>("ncclGetLastError");
  return found == nullptr ? nullptr : found(comm);
}

}  // extern "C"
