/// The data files of this folder, as compiled into the program.
#pragma once

#include <string_view>

namespace multipl_moe::reproduce {

extern const std::string_view claims_text;  ///< claims.toml
extern const std::string_view paper_text;   ///< paper.csv

}  // namespace multipl_moe::reproduce
