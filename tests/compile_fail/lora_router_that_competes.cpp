// error: LoraFfn: 1st argument must be a row router that needs no gate and no thresholds, such as LanguageChoice or
// TopK
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

LoraFfn<ExpertChoice, float, Shape> layer;
