# The vcpkg port must repeat the version of include/moe/version.hpp.
#   cmake -DVERSION=... -DPORT=<vcpkg.json> -P check_port_version.cmake
file(READ "${PORT}" json)
string(JSON stated GET "${json}" version)
if(NOT stated STREQUAL VERSION)
  message(FATAL_ERROR "${PORT} has version ${stated}, the library has ${VERSION}")
endif()
