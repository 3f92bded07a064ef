# read_includes(file result): the includes of a source file as items NUMBER|BRACKET|HEADER, where NUMBER is the line and
# BRACKET is < or ".
function(read_includes file result)
  file(READ "${file}" text)
  # A list of lines. Characters that separate or join list items are replaced first; includes do not contain them.
  string(REGEX REPLACE "[][;\\\\]" " " text "${text}")
  string(REPLACE "\n" ";" lines "${text}")
  set(number 0)
  set(includes "")
  foreach(line IN LISTS lines)
    math(EXPR number "${number} + 1")
    if(line MATCHES "^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"]*)[>\"]")
      list(APPEND includes "${number}|${CMAKE_MATCH_1}|${CMAKE_MATCH_2}")
    endif()
  endforeach()
  set(${result} "${includes}" PARENT_SCOPE)
endfunction()

# Sets `number`, `bracket` and `header` to the parts of an item of read_includes.
macro(split_include item)
  string(REGEX MATCH "^([0-9]+)[|](.)[|](.*)$" _ "${item}")
  set(number "${CMAKE_MATCH_1}")
  set(bracket "${CMAKE_MATCH_2}")
  set(header "${CMAKE_MATCH_3}")
endmacro()

# Reports a violation in line `number` of `file`.
set(violations 0)
macro(violation text)
  message(NOTICE "${file}:${number}: ${text}")
  math(EXPR violations "${violations} + 1")
endmacro()

# Ends the script if a violation was reported.
macro(require_no_violation)
  if(violations GREATER 0)
    message(FATAL_ERROR "${violations} includes violate the rule")
  endif()
endmacro()
