include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_DATADIR}/cmake/moe")
configure_package_config_file(cmake/moeConfig.cmake.in "${PROJECT_BINARY_DIR}/moeConfig.cmake"
                              INSTALL_DESTINATION "${package_dir}")
# Before 1.0 every new minor version may be incompatible.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/moeConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)

install(TARGETS moe EXPORT moeTargets FILE_SET HEADERS FILE_SET kernels)
install(EXPORT moeTargets NAMESPACE moe:: DESTINATION "${package_dir}")
install(FILES "${PROJECT_BINARY_DIR}/moeConfig.cmake" "${PROJECT_BINARY_DIR}/moeConfigVersion.cmake"
              cmake/OneDnn.cmake cmake/Safetensors.cmake cmake/Mpi.cmake cmake/Cuda.cmake cmake/Nccl.cmake
        DESTINATION "${package_dir}")
# The same package under the project's name, moelayers.
set(other_package_dir "${CMAKE_INSTALL_DATADIR}/cmake/moelayers")
configure_file(cmake/moelayersConfig.cmake.in "${PROJECT_BINARY_DIR}/moelayersConfig.cmake" @ONLY)
configure_file("${PROJECT_BINARY_DIR}/moeConfigVersion.cmake" "${PROJECT_BINARY_DIR}/moelayersConfigVersion.cmake"
               COPYONLY)
install(FILES "${PROJECT_BINARY_DIR}/moelayersConfig.cmake" "${PROJECT_BINARY_DIR}/moelayersConfigVersion.cmake"
        DESTINATION "${other_package_dir}")
install(FILES include/moe/onednn.hpp include/moe/safetensors.hpp include/moe/weights_in_file.hpp include/moe/mpi.hpp
              include/moe/cuda.cuh include/moe/nccl.cuh
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/moe")
install(DIRECTORY include/moe/safetensors include/moe/mpi DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/moe")
install(DIRECTORY include/moe/backend/cuda DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/moe/backend")

# pkg-config file, for builds without CMake. It locates the headers relative to itself, so an installed tree can be
# moved.
set(pkgconfig_dir "${CMAKE_INSTALL_DATADIR}/pkgconfig")
file(RELATIVE_PATH pkgconfig_to_prefix "${CMAKE_INSTALL_FULL_DATADIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" pkgconfig_to_prefix "${pkgconfig_to_prefix}")
cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_INCLUDEDIR BASE_DIRECTORY "\${prefix}" OUTPUT_VARIABLE pkgconfig_includedir)
configure_file(cmake/moe.pc.in "${PROJECT_BINARY_DIR}/moe.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/moe.pc" DESTINATION "${pkgconfig_dir}")
