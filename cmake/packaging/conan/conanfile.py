import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load

required_conan_version = ">=2.0"


class MoelayersConan(ConanFile):
    name = "moelayers"
    description = "Mixture-of-Experts layers as C++20 templates"
    license = "MIT"
    topics = ("mixture-of-experts", "machine-learning", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"

    @property
    def _checkout(self):
        return os.path.join(self.recipe_folder, "..", "..", "..")

    def set_version(self):
        header = load(self, os.path.join(self._checkout, "include", "moe", "version.hpp"))
        parts = [re.search(rf"#define MOE_VERSION_{part} (\d+)\n", header) for part in ("MAJOR", "MINOR", "PATCH")]
        self.version = ".".join(part.group(1) for part in parts)

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*"):
            copy(self, pattern, self._checkout, self.export_sources_folder)

    def requirements(self):
        self.requires("eigen/[>=3.4 <4]", transitive_headers=True)

    def package_id(self):
        self.info.clear()

    def validate(self):
        check_min_cppstd(self, 20)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeToolchain(self).generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure(variables={"MOE_BUILD_TESTS": "OFF", "MOE_BUILD_EXAMPLES": "OFF"})

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.defines = ["EIGEN_MPL2_ONLY"]
        self.cpp_info.set_property("cmake_file_name", "moe")
        self.cpp_info.set_property("cmake_target_name", "moe::moe")
        self.cpp_info.set_property("pkg_config_name", "moe")
        # The same as in moeConfigVersion.cmake: before 1.0 every new minor version may be incompatible.
        self.cpp_info.set_property("cmake_config_version_compat", "SameMinorVersion")
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["pthread"]
