// TOML of a client. What is taken leaves memory for requests.

#include "shell/client_options.hpp"
#include "tests/fuzz/target.hpp"

using namespace tutti;

FUZZ_TARGET(client_configuration) {
  ClientOptions options;
  if (read_configuration(fuzz::text_of(input), options).empty()) ENSURE(options.request_memory_mib > 0);
}
