#include "multipl_moe/model/instances/instances.hpp"
#include "multipl_moe/model/upcycled_of.hpp"

namespace multipl_moe {

namespace {

using Layers = Architectures<float, moe::Cpu<>>;

}  // namespace

template struct InstanceOf<Layers::Paper<moe::FixedFusion>>;
template struct InstanceOf<Layers::Paper<moe::NormalisedFusion>>;

}  // namespace multipl_moe
