# Writes NUMBERS to PLANTED with one number changed and fails unless PROGRAM reports this number.
#   cmake -DPROGRAM=... -DNUMBERS=... -DPLANTED=... -P check_planted.cmake
cmake_minimum_required(VERSION 3.25)
file(STRINGS "${NUMBERS}" numbers)
list(GET numbers 5 number)
list(REMOVE_AT numbers 5)
list(INSERT numbers 5 "${number}1")
string(REPLACE ";" "\n" text "${numbers}")
file(WRITE "${PLANTED}" "${text}\n")
execute_process(COMMAND "${PROGRAM}" check "${PLANTED}" RESULT_VARIABLE status OUTPUT_VARIABLE report)
if(NOT status STREQUAL "1" OR NOT report MATCHES "^tokens y, number 5: [^\n]*\n$")
  message(FATAL_ERROR "the program ended with ${status} and printed\n${report}")
endif()
