#include "multipl_moe/model/instances/instances.hpp"
#include "multipl_moe/model/upcycled_of.hpp"

namespace multipl_moe {

namespace {

using Layers = Architectures<float, moe::Cpu<>>;

}  // namespace

template struct InstanceOf<Layers::Dense>;
template struct InstanceOf<Layers::TopK>;
template struct InstanceOf<Layers::Qwen15Moe>;

}  // namespace multipl_moe
