# moe::safetensors, layers that save and load (moe/safetensors.hpp). Included by this build and by the installed
# package.
# An enclosing project may already provide nlohmann-json.
if(NOT TARGET nlohmann_json::nlohmann_json)
  find_package(nlohmann_json QUIET)
endif()
if(TARGET nlohmann_json::nlohmann_json AND NOT TARGET moe::safetensors)
  add_library(moe_safetensors INTERFACE)
  add_library(moe::safetensors ALIAS moe_safetensors)
  target_link_libraries(moe_safetensors INTERFACE moe::moe nlohmann_json::nlohmann_json)
endif()
