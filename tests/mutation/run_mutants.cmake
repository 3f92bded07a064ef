# Plants every mutant of mutants.cmake, one at a time, and runs the tests that are listed for it.
#
#   cmake -DSOURCE_DIR=... -DWORK_DIR=... -DCXX=... -DEIGEN_DIR=... [-DCATCH_MAIN=...] [-DONLY=REGEX]
#         -P run_mutants.cmake
#
# The headers of the library and of the program are copied to WORK_DIR; nothing in SOURCE_DIR is written. A mutant is
# caught if a listed test program fails, crashes or hangs with it and passes without it. A mutant that does not compile,
# or whose tests do not include its header, is a mistake in the list, as is everything that cmake/check_mutants.cmake
# reports. The table goes to WORK_DIR/mutation.md. Fails on a mistake, and if fewer than 19 of 20 mutants are caught.
cmake_minimum_required(VERSION 3.25)

execute_process(COMMAND "${CMAKE_COMMAND}" "-DROOT=${SOURCE_DIR}" -P "${SOURCE_DIR}/cmake/check_mutants.cmake"
                COMMAND_ERROR_IS_FATAL ANY)

set(flags -std=c++20 -O0 -w -DEIGEN_MPL2_ONLY -DMOE_SLOW_BUILD -DMOE_WITHOUT_COMPILED_LAYERS "-I${WORK_DIR}/include" "-I${WORK_DIR}/examples"
    "-I${SOURCE_DIR}/tests"
    -isystem "${EIGEN_DIR}")
set(seconds_to_hang 120)
set(results "${WORK_DIR}/mutation.md")
set(caught 0)
set(survivors "")
set(mistakes "")

file(REMOVE_RECURSE "${WORK_DIR}/include")
file(REMOVE_RECURSE "${WORK_DIR}/examples")
file(COPY "${SOURCE_DIR}/include" DESTINATION "${WORK_DIR}")
file(COPY "${SOURCE_DIR}/examples/compiled_layers" "${SOURCE_DIR}/examples/multipl_moe" DESTINATION "${WORK_DIR}/examples" FILES_MATCHING PATTERN "*.hpp")

function(compile)
  execute_process(COMMAND ${CXX} ${flags} ${ARGN} RESULT_VARIABLE status ERROR_VARIABLE errors)
  if(NOT status EQUAL 0)
    string(SUBSTRING "${errors}" 0 2000 errors)
  endif()
  set(compile_status "${status}" PARENT_SCOPE)
  set(compile_errors "${errors}" PARENT_SCOPE)
endfunction()

# Catch2 and Eigen, which no mutant changes, are compiled once.
file(WRITE "${WORK_DIR}/common.hpp" "#include <support/catch.hpp>\n#include <Eigen/Core>\n")
compile(-x c++-header "${WORK_DIR}/common.hpp" -o "${WORK_DIR}/common.hpp.gch")
if(NOT CATCH_MAIN)
  set(CATCH_MAIN "${WORK_DIR}/catch_main.o")
  compile(-c "${SOURCE_DIR}/tests/support/catch_main.cpp" -o "${CATCH_MAIN}")
endif()
if(NOT compile_status EQUAL 0)
  message(FATAL_ERROR "mutation: ${compile_errors}")
endif()

# build_and_run(test): sets test_status to passed, failed, hung or "does not compile", and test_reads to the list of
# files that the test includes.
function(build_and_run test)
  set(program "${WORK_DIR}/mutant_test")
  compile(-include "${WORK_DIR}/common.hpp" -MMD -MF "${program}.d" "${SOURCE_DIR}/tests/${test}_test.cpp"
          "${CATCH_MAIN}" -lpthread -o "${program}")
  if(NOT compile_status EQUAL 0)
    message(STATUS "${compile_errors}")
    set(test_status "does not compile" PARENT_SCOPE)
    return()
  endif()
  execute_process(COMMAND "${program}" TIMEOUT ${seconds_to_hang} RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
  if(status EQUAL 0)
    set(status passed)
  elseif(status MATCHES "timeout")
    set(status hung)
  else()
    set(status failed)
  endif()
  file(READ "${program}.d" reads)
  set(test_status "${status}" PARENT_SCOPE)
  set(test_reads "${reads}" PARENT_SCOPE)
endfunction()

function(mutant name header)
  if(ONLY AND NOT name MATCHES "${ONLY}")
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 2 m "" "BEFORE;AFTER;REASON" "TESTS")
  set(path "${WORK_DIR}/include/moe/${header}")
  set(included "moe/${header}")
  if(header MATCHES "^multipl_moe/")
    set(path "${WORK_DIR}/examples/${header}")
    set(included "${header}")
  endif()
  file(READ "${path}" original)

  set(verdict survived)
  foreach(test IN LISTS m_TESTS)
    string(MAKE_C_IDENTIFIER "${test}" key)
    get_property(sound GLOBAL PROPERTY sound_${key})
    if(NOT sound)
      build_and_run("${test}")
      if(NOT test_status STREQUAL "passed")
        list(APPEND mistakes "${test}_test.cpp without a mutant: ${test_status}")
      endif()
      set_property(GLOBAL PROPERTY sound_${key} TRUE)
    endif()
    string(REPLACE "${m_BEFORE}" "${m_AFTER}" mutated "${original}")
    file(WRITE "${path}" "${mutated}")
    build_and_run("${test}")
    file(WRITE "${path}" "${original}")
    if(test_status STREQUAL "does not compile")
      list(APPEND mistakes "${name}: does not compile")
      break()
    elseif(NOT test_reads MATCHES "${included}")
      list(APPEND mistakes "${name}: ${test}_test.cpp does not include ${header}")
      break()
    elseif(NOT test_status STREQUAL "passed")
      set(verdict "caught by ${test}_test.cpp")
      break()
    endif()
  endforeach()

  message(STATUS "${name}: ${verdict}")
  file(APPEND "${results}.rows" "| ${name} | ${header} | ${m_REASON} | ${verdict} |\n")
  if(verdict STREQUAL survived)
    list(APPEND survivors "${name}")
  else()
    math(EXPR caught "${caught} + 1")
  endif()
  set(caught "${caught}" PARENT_SCOPE)
  set(survivors "${survivors}" PARENT_SCOPE)
  set(mistakes "${mistakes}" PARENT_SCOPE)
endfunction()

file(WRITE "${results}.rows" "")
include("${CMAKE_CURRENT_LIST_DIR}/mutants.cmake")

list(LENGTH survivors survived)
math(EXPR planted "${caught} + ${survived}")
list(JOIN survivors ", " survivors)
file(READ "${results}.rows" rows)
file(WRITE "${results}" "${caught} of ${planted} caught. Survivors: ${survivors}\n\n"
     "| mutant | header | mistake | verdict |\n|---|---|---|---|\n${rows}")
message(STATUS "${caught} of ${planted} mutants caught; survivors: ${survivors}; table: ${results}")
if(mistakes)
  list(JOIN mistakes "\n  " mistakes)
  message(FATAL_ERROR "mistakes in the list of mutants:\n  ${mistakes}")
endif()
math(EXPR short "19 * ${planted} - 20 * ${caught}")
if(short GREATER 0 OR planted EQUAL 0)
  message(FATAL_ERROR "fewer than 19 of 20 mutants were caught")
endif()
