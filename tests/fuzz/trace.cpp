// Trace files, whole, torn or made by hand. As many records as fit into the bytes, and an end.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "actors/trace_file.hpp"
#include "tests/fuzz/target.hpp"

using namespace tutti;

FUZZ_TARGET(trace) {
  const int file = memfd_create("trace", MFD_CLOEXEC);
  ENSURE(file >= 0);
  ENSURE(write(file, input.data(), input.size()) == static_cast<ssize_t>(input.size()));
  TraceReader reader;
  if (reader.open("/proc/self/fd/" + std::to_string(file)).empty()) {
    std::size_t records = 0;
    while (reader.next()) ++records;
    ENSURE(records * 4 <= input.size());
  }
  close(file);
}
