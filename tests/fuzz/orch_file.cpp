// .orch files, from anybody. A wrong line is named; a right one is written and read as the same; parts add up.

#include "peer/orchestra/orch_file.hpp"
#include "peer/orchestra/orch_share.hpp"
#include "tests/fuzz/target.hpp"

using namespace tutti;

FUZZ_TARGET(orch_file) {
  const OrchParsed parsed = parse_orch(fuzz::text_of(input));
  if (!parsed) {
    ENSURE(parsed.fault_line > 0);
    return;
  }
  const OrchFile& file = parsed.file;
  ENSURE(file.parts.size() == orch_part_count(file.size, file.part_size));
  ENSURE(orch_name_fault(file.name).empty() && orch_conductor_fault(file.conductor).empty());
  const OrchParsed again = parse_orch(orch_text(file));
  ENSURE(again && again.file == file);
  if (orch_share_fault(file.name, file.part_size, file.parts.size())) return;
  const OrchShare share = orch_share(file);
  ENSURE(share.layout.piece_count() == file.parts.size());
}
