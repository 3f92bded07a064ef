# The target coverage: line coverage of include/moe, from the tests that were run before the target is built.
find_program(MOE_GCOVR gcovr)
if(NOT MOE_GCOVR)
  message(STATUS "moelayers: the target coverage is left out; it needs: apt-get install gcovr")
  return()
endif()
set(report "${PROJECT_BINARY_DIR}/coverage")
file(MAKE_DIRECTORY "${report}")
add_custom_target(coverage
  COMMAND "${MOE_GCOVR}" --root "${PROJECT_SOURCE_DIR}" --filter "${PROJECT_SOURCE_DIR}/include/moe/"
          "${PROJECT_BINARY_DIR}" --print-summary --txt "${report}/lines.txt" --html-details "${report}/index.html"
  COMMENT "Line coverage of include/moe: ${report}/index.html"
  VERBATIM USES_TERMINAL)
