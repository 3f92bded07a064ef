# The README's first program is examples/01_token_moe.cpp, word for word: what people read is what the tests run.
#   cmake -DREADME=... -DSOURCE=... -P check_readme.cmake
file(READ "${README}" readme)
file(READ "${SOURCE}" source)
string(FIND "${source}" "#include" begin)
string(SUBSTRING "${source}" ${begin} -1 program)
string(STRIP "${program}" program)
string(FIND "${readme}" "```cpp\n${program}\n```" found)
if(found EQUAL -1)
  message(FATAL_ERROR "${README} must hold the program of ${SOURCE} as it is")
endif()
