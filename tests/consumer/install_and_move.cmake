# Installs a build and moves the installed tree to PREFIX: no installed file may contain the former path.
#   cmake -DBUILD=<build> -DPREFIX=<folder> -P install_and_move.cmake
set(first "${PREFIX} from")
file(REMOVE_RECURSE "${first}" "${PREFIX}")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${first}" COMMAND_ERROR_IS_FATAL ANY)
file(RENAME "${first}" "${PREFIX}")
