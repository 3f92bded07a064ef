# Counts the instructions of one operation and compares the number with the expected one: at most 10% more, at most 20%
# fewer.
#   cmake -DVALGRIND=... -DPROGRAM=... -DOPERATION=... -DEXPECTED=... -P check.cmake
execute_process(COMMAND "${VALGRIND}" --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect=counted
                        "${PROGRAM}" "${OPERATION}"
                RESULT_VARIABLE result ERROR_VARIABLE text)
if(NOT result EQUAL 0 OR NOT text MATCHES "Collected : ([0-9]+)")
  message(FATAL_ERROR "callgrind counted nothing:\n${text}")
endif()
set(counted "${CMAKE_MATCH_1}")
math(EXPR most "${EXPECTED} * 11 / 10")
math(EXPR least "${EXPECTED} * 8 / 10")
message("${OPERATION}: ${counted} instructions, ${EXPECTED} expected")
if(counted GREATER most)
  message(FATAL_ERROR "${OPERATION} takes more than 10% more instructions than expected")
elseif(counted LESS least)
  message(FATAL_ERROR "${OPERATION} takes over 20% fewer instructions than expected: "
                      "write the new number into tests/instructions/CMakeLists.txt")
endif()
