# Copies only those files of this repository that a user of the library needs.
#   cmake -DFROM=<checkout> -DTO=<folder> -P copy_checkout.cmake
file(REMOVE_RECURSE "${TO}")
file(COPY "${FROM}/CMakeLists.txt" "${FROM}/cmake" "${FROM}/include" "${FROM}/LICENSE" DESTINATION "${TO}")
