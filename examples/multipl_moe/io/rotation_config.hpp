/// Where config.json says how queries and keys are rotated (RoPE), in every spelling that transformers reads.
#pragma once

#include "multipl_moe/io/config_fields.hpp"

namespace multipl_moe {

/// The base of the rotation's wavelengths, from `rope_theta`, `rope_parameters` or `rope_scaling`, whose kind is
/// `rope_type` or, in older files, `type`; an object may hold another one for each type of layer. As in transformers
/// the base inside an object goes before the one outside. Throws BadFile where the file asks for a rotation other than
/// the plain one, where its objects give different bases and for a field of them that is not known. `otherwise` is the
/// base where the file has none.
double rotation_base(const Fields& fields, double otherwise);

}  // namespace multipl_moe
