# moe::onednn, the matrix product OneDnnGemm for the CPU backend. Included by this build and by the installed package.
# The package of a oneDNN that was built with OpenCL stops the whole configuration if OpenCL is missing, so OpenCL is
# searched first.
find_package(OpenCL QUIET)
if(OpenCL_FOUND)
  find_package(dnnl QUIET)
endif()
find_package(OpenMP QUIET COMPONENTS CXX)
if(dnnl_FOUND AND OpenMP_CXX_FOUND AND NOT TARGET moe::onednn)
  add_library(moe_onednn INTERFACE)
  add_library(moe::onednn ALIAS moe_onednn)
  # OneDnnGemm uses one thread, so only the header and the library of OpenMP are needed, not the compiler option.
  target_link_libraries(moe_onednn INTERFACE moe::moe DNNL::dnnl ${OpenMP_CXX_LIBRARIES})
endif()
