# Tests a check of this folder on the tree PLANTED, which contains planted violations: the check must fail and report
# exactly the lines of PLANTED/expected.txt.
#   cmake -DCHECK=check_includes.cmake -DPLANTED=<folder> -P check_finds.cmake
cmake_minimum_required(VERSION 3.25)

execute_process(COMMAND "${CMAKE_COMMAND}" "-DROOT=${PLANTED}" -P "${CMAKE_CURRENT_LIST_DIR}/${CHECK}"
                RESULT_VARIABLE status ERROR_VARIABLE report)
file(READ "${PLANTED}/expected.txt" expected)

string(FIND "${report}" "CMake Error" end)
string(SUBSTRING "${report}" 0 ${end} found)
if(NOT found STREQUAL expected OR status STREQUAL "0")
  message(NOTICE "---- expected\n${expected}---- reported (status ${status})\n${report}----")
  message(FATAL_ERROR "${CHECK} did not report exactly the planted violations")
endif()
