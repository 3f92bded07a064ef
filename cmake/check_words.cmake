# The rule for words: the subject of a sentence is a technical noun, and spelling is American.
#   cmake -DROOT=<folder that holds include/, examples/, bench/, docs/ and README.md> -P check_words.cmake
cmake_minimum_required(VERSION 3.25)

cmake_path(ABSOLUTE_PATH ROOT)
# Each entry is a regular expression and what to write instead.
set(words
  "([Nn]o|[Aa]ny|[Ss]ome|[Ee]very)body|[Ww]ho(m)?ever" "name the thing that acts"
  "[A-Za-z_]*([Ii]nitial|[Nn]ormal|[Oo]ptim|[Pp]rioriti?|[Ss]tabil|[Pp]enal|[Tt]oken|[Rr]andom|[Rr]ecogn|[Mm]inim|[Mm]axim)is(e|ed|es|ing|ation|er)[a-z_]*" "-ize"
  "[A-Za-z_]*([Cc]ol|[Nn]eighb|[Bb]ehavi|[Hh]on|[Ff]av)our[a-z_]*" "-or"
  "[Ll]icence[sd]?|[Cc]entre[sd]?|[Cc]atalogue[sd]?|[Aa]nalysed?|[Tt]ravelling" "the American spelling")
# Old names: the table of renames, and the spellings of version 0.1 that are still read.
set(exceptions docs/CHANGELOG.md include/moe/runtime/registry.hpp examples/multipl_moe/architectures/multipl_moe.cpp
    examples/multipl_moe/cli/former_names.cpp bench/strategies/strategy.hpp docs/05_decisions.md)

file(GLOB_RECURSE files RELATIVE "${ROOT}" "${ROOT}/include/*.hpp" "${ROOT}/include/*.cuh" "${ROOT}/examples/*.hpp"
     "${ROOT}/examples/*.cpp" "${ROOT}/examples/*.cu" "${ROOT}/bench/*.hpp" "${ROOT}/bench/*.cpp" "${ROOT}/bench/*.cu"
     "${ROOT}/docs/*.md")
list(APPEND files README.md)
list(REMOVE_ITEM files ${exceptions})
list(SORT files)

set(violations 0)
foreach(file IN LISTS files)
  if(NOT EXISTS "${ROOT}/${file}")
    continue()
  endif()
  file(READ "${ROOT}/${file}" text)
  set(rest "${words}")
  while(rest)
    list(POP_FRONT rest word advice)
    string(REGEX MATCHALL "(^|[^A-Za-z_])(${word})($|[^A-Za-z_])" found "${text}")
    foreach(match IN LISTS found)
      string(REGEX REPLACE "[^A-Za-z_]" "" match "${match}")
      message(NOTICE "${file}: ${match}: write ${advice}")
      math(EXPR violations "${violations} + 1")
    endforeach()
  endwhile()
endforeach()

if(NOT files)
  message(FATAL_ERROR "no files under ${ROOT}: nothing was checked")
elseif(violations GREATER 0)
  message(FATAL_ERROR "${violations} words violate the rule")
endif()
