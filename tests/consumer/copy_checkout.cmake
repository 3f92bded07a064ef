# What a user of the library needs of this repository, and nothing else.
#   cmake -DFROM=<checkout> -DTO=<folder> -P copy_checkout.cmake
file(REMOVE_RECURSE "${TO}")
file(COPY "${FROM}/CMakeLists.txt" "${FROM}/cmake" "${FROM}/include" "${FROM}/LICENSE" DESTINATION "${TO}")
