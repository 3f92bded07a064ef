include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_DATADIR}/cmake/moe")
configure_package_config_file(cmake/moeConfig.cmake.in "${PROJECT_BINARY_DIR}/moeConfig.cmake"
                              INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/moeConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)

install(TARGETS moe EXPORT moeTargets FILE_SET HEADERS)
install(EXPORT moeTargets NAMESPACE moe:: DESTINATION "${package_dir}")
install(FILES "${PROJECT_BINARY_DIR}/moeConfig.cmake" "${PROJECT_BINARY_DIR}/moeConfigVersion.cmake"
        DESTINATION "${package_dir}")
