# read_includes(file result): the includes of a source as items NUMBER|BRACKET|HEADER, where BRACKET is < or ".
function(read_includes file result)
  file(READ "${file}" text)
  # A list of lines, with what would end or join its items taken out: includes contain none of it.
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

# Reports a broken rule of the line `number` of `file`.
set(violations 0)
macro(violation text)
  message(NOTICE "${file}:${number}: ${text}")
  math(EXPR violations "${violations} + 1")
endmacro()

# Ends the script where a rule was broken.
macro(require_no_violation)
  if(violations GREATER 0)
    message(FATAL_ERROR "${violations} includes break the rule")
  endif()
endmacro()
