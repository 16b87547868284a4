# A recipe for Spack (https://spack.readthedocs.io/en/latest/packaging_guide_creation.html). Copy this folder to
# REPO/packages/s3flow and set `git` to the URL of your clone, then: spack repo add REPO && spack install s3flow
from spack.package import (CMakePackage, Executable, conflicts, depends_on, generator, join_path, license,
                           on_package_attributes, run_after, version)


class S3flow(CMakePackage):
    """Bulk uploads to S3 and S3-compatible stores, for batch jobs and HPC job scripts."""

    git = "file:///path/to/s3flow"

    license("Apache-2.0")

    version("main", branch="main")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("ninja", type="build")
    depends_on("boost@1.81:")
    depends_on("cli11@2.1:", type="build")
    depends_on("curl@7.85: tls=openssl")
    depends_on("fmt@9:")
    depends_on("isa-l")
    depends_on("nlohmann-json@3.11:")
    depends_on("tbb")
    depends_on("openssl@3:")
    depends_on("pugixml")
    depends_on("tl-expected@1:", type="build")
    depends_on("yaml-cpp@0.7:")
    depends_on("zstd@1.4:")

    generator("ninja")
    conflicts("^intel-tbb@:2020", msg="s3flow needs oneTBB 2021 or newer")
    conflicts("%gcc@:11", msg="s3flow needs GCC 12 or newer")

    def cmake_args(self):
        return [self.define("S3FLOW_TESTS", False), self.define("CMAKE_UNITY_BUILD", True)]

    @run_after("install")
    @on_package_attributes(run_tests=True)
    def check_install(self):
        Executable(join_path(self.prefix.bin, "s3flow"))("--version")
