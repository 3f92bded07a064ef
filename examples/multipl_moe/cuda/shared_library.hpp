/// A library of CUDA that is loaded when it is needed: a program that links it does not start on a machine without it,
/// even to compute on the CPU.
#pragma once

#include <dlfcn.h>

#include <string>

namespace multipl_moe {

struct SharedLibrary {
  std::string name;
  void* handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  std::string reason = handle == nullptr ? ::dlerror() : "";  ///< why the system does not load it

  /// The function of this name and type; null if there is no library.
  template <class Function>
  Function* function(const char* function_name) const {
    return handle == nullptr ? nullptr : reinterpret_cast<Function*>(::dlsym(handle, function_name));
  }
};

}  // namespace multipl_moe
