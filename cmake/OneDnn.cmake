# moe::onednn, the product OneDnnGemm for the CPU backend. Read by our own build and by the installed package.
# Where oneDNN was built for OpenCL too, its package ends the whole configuration if that is missing: look first.
find_package(OpenCL QUIET)
if(OpenCL_FOUND)
  find_package(dnnl QUIET)
endif()
find_package(OpenMP QUIET COMPONENTS CXX)
if(dnnl_FOUND AND OpenMP_CXX_FOUND AND NOT TARGET moe::onednn)
  add_library(moe_onednn INTERFACE)
  add_library(moe::onednn ALIAS moe_onednn)
  # One thread is all that OneDnnGemm lets it use: the header and the library, not the compiler's option.
  target_link_libraries(moe_onednn INTERFACE moe::moe DNNL::dnnl ${OpenMP_CXX_LIBRARIES})
endif()
