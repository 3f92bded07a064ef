# Writes a C++ file that defines a constant with the contents of a text file.
#   cmake -DTEXT=<file> -DOUT=<file.cpp> -DHEADER=<header that declares the constant> -DNAME=<name> -P EmbedText.cmake
cmake_minimum_required(VERSION 3.25)
file(READ "${TEXT}" text)
if(text MATCHES "\\)text\"")
  message(FATAL_ERROR "${TEXT} must not contain )text\", which ends the literal that it is embedded in")
endif()
file(WRITE "${OUT}" "#include \"${HEADER}\"\n\nconst std::string_view multipl_moe::${NAME} = R\"text(${text})text\";\n")
