# The arm64 binary, made by this machine's compiler from the packages that `.ci/install layer` unpacked.
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH root)
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_SYSROOT "${root}/build/deps/sysroot-arm64")
set(CMAKE_C_COMPILER_TARGET aarch64-linux-gnu)
set(CMAKE_CXX_COMPILER_TARGET aarch64-linux-gnu)
# Headers that name themselves in messages lie below this folder: two folders shall give the same binary.
set(CMAKE_CXX_FLAGS_INIT "-ffile-prefix-map=${root}=.")
# CMake tries the compiler without our flags, and this machine's own linker and strip know one architecture.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-fuse-ld=lld -static -s")
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
