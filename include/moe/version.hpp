/// The library's version. These three numbers are its only definition: CMake and the packages read them from here.
#pragma once

#define MOE_VERSION_MAJOR 0
#define MOE_VERSION_MINOR 2
#define MOE_VERSION_PATCH 0

/// Versions as numbers, to compare: `#if MOE_VERSION >= MOE_VERSION_NUMBER(0, 2, 0)`. Minor and patch stay below 1000.
#define MOE_VERSION_NUMBER(major_, minor_, patch_) ((major_)*1000000 + (minor_)*1000 + (patch_))
#define MOE_VERSION MOE_VERSION_NUMBER(MOE_VERSION_MAJOR, MOE_VERSION_MINOR, MOE_VERSION_PATCH)

namespace moe {

// Not `major` and `minor`: C libraries define these as macros.
/// Major version number.
inline constexpr int version_major = MOE_VERSION_MAJOR;
/// Minor version number.
inline constexpr int version_minor = MOE_VERSION_MINOR;
/// Patch version number.
inline constexpr int version_patch = MOE_VERSION_PATCH;

}  // namespace moe
