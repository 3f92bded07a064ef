import os

from conan import ConanFile
from conan.tools.build import can_run
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout


class TakeMoelayers(ConanFile):
    """Builds the project of tests/consumer, which tests every other form of the package too, against this package."""

    settings = "os", "arch", "compiler", "build_type"
    generators = "CMakeDeps"

    def requirements(self):
        self.requires(self.tested_reference_str)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        version = self.dependencies["moelayers"].ref.version
        toolchain = CMakeToolchain(self)
        toolchain.user_presets_path = False
        toolchain.variables["WAY"] = "package"
        toolchain.variables["VERSION"] = str(version)
        toolchain.variables["UNFIT"] = f"{version.major}.{int(str(version.minor)) + 1}"
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure(build_script_folder=os.path.join("..", "..", "..", "..", "tests", "consumer", "project"))
        cmake.build()

    def test(self):
        if can_run(self):
            CMake(self).ctest(["--output-on-failure", "--no-tests=error"])
