// NCCL with one rank, which sends to itself: the checks that need one GPU.
#include <cstdio>
#include <exception>
#include <memory>
#include <vector>

#include "moe/comm/local_comm.hpp"
#include "moe/comm/ranks_over.hpp"
#include "moe/cuda.cuh"
#include "moe/nccl.cuh"

using moe::Cuda;
using moe::Index;
using Engine = moe::NcclComm<moe::LocalComm>;
static_assert(moe::Comm<Engine>);

int main() {
  try {
    Engine comm{moe::LocalComm()};
    const moe::CudaContext context;
    const std::shared_ptr<moe::Ranks<Cuda>> ranks = moe::ranks_over<Cuda>(std::move(comm));
    const std::vector<float> values{1, 2, 3, 4};
    moe::Matrix<float, Cuda> from(2, 2), to(2, 2);
    Cuda::upload<float>(context, values.data(), from.view());
    const Index bytes = 4 * static_cast<Index>(sizeof(float)), number = 7;
    Index answer = 0;
    ranks->announce({"rows"}, {number}, 1, &answer);
    ranks->all_to_all_v(context, from.data(), {bytes}, to.data(), {bytes});
    ranks->broadcast(context, to.data(), bytes, 0);
    ranks->all_gather_v(context, to.data(), {bytes}, from.data());
    std::vector<float> back(4);
    Cuda::download<float>(context, from.view(), back.data());
    if (answer == number && back == values) return 0;
    std::printf("other bytes arrived\n");
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
  }
  return 1;
}
