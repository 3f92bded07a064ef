/// Layers that are compiled once for several programs: what a project of many source files can do with any layer of the
/// library. A file that includes this header instead of moe/runtime/registry.hpp does not compile the layers of a
/// Registry<float>, <double> and <BFloat16> again, nor the kernels of the CPU backend. It links float.cpp, double.cpp
/// and bfloat16.cpp of this folder, which have them (the target compiled_layers has all but double.cpp).
#pragma once

#include "moe/backend/cpu/cpu.hpp"
#include "moe/experts/swiglu.hpp"
#include "moe/runtime/architectures.hpp"
#include "moe/runtime/registry.hpp"
#include "moe/train/split_into_adapters.hpp"

// Defined where one file is compiled alone, without that library.
#ifndef MOE_WITHOUT_COMPILED_LAYERS
extern template class moe::Architectures<moe::SwiGlu<float, moe::Cpu<>>>;
extern template class moe::Architectures<moe::SwiGlu<double, moe::Cpu<>>>;
extern template class moe::Architectures<moe::SwiGlu<moe::BFloat16, moe::Cpu<>>>;
extern template class Eigen::BDCSVD<Eigen::MatrixXd>;
#endif
