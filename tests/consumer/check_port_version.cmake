# A port of vcpkg has to repeat the version, which include/moe/version.hpp states.
#   cmake -DVERSION=... -DPORT=<vcpkg.json> -P check_port_version.cmake
file(READ "${PORT}" json)
string(JSON stated GET "${json}" version)
if(NOT stated STREQUAL VERSION)
  message(FATAL_ERROR "${PORT} says ${stated}, the library is ${VERSION}")
endif()
