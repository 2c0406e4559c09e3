# Everything comes from Debian 12 (scripts/install_packages). All of it lives under /usr/include, so the compiler
# treats it as a system header and keeps its warnings to itself.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(rapidcheck REQUIRED)
find_package(benchmark REQUIRED)
find_package(Boost 1.74 REQUIRED COMPONENTS unit_test_framework)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
pkg_check_modules(libzmq REQUIRED IMPORTED_TARGET libzmq>=4.3.4)
# Its file names folders of what libzmq itself is built from, as include folders in the first run of CMake and as options in
# later ones: each file would be compiled twice.
set_target_properties(PkgConfig::libzmq PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "" INTERFACE_COMPILE_OPTIONS "")
pkg_check_modules(libsodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(libedit REQUIRED IMPORTED_TARGET libedit)
pkg_check_modules(tomlplusplus REQUIRED IMPORTED_TARGET tomlplusplus)
# Of amd64 only; actors/aes_gcm.cpp does without it elsewhere.
find_library(IPSEC_MB_LIBRARY IPSec_MB)
set(TUTTI_CIPHERS OpenSSL::Crypto)
if(IPSEC_MB_LIBRARY)
  list(APPEND TUTTI_CIPHERS ${IPSEC_MB_LIBRARY})
endif()
find_path(MSGPACK_INCLUDE_DIR msgpack.hpp REQUIRED)
find_path(CPPZMQ_INCLUDE_DIR zmq.hpp REQUIRED)

add_library(tutti_msgpack INTERFACE)
# msgpack-cxx can lean on Boost; nothing here needs that.
target_compile_definitions(tutti_msgpack INTERFACE MSGPACK_NO_BOOST)
