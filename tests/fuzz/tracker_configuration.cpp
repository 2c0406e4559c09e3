// TOML of a tracker. What is taken has heartbeats.

#include "tests/fuzz/target.hpp"
#include "tracker/config.hpp"

using namespace tutti;

FUZZ_TARGET(tracker_configuration) {
  const ParsedTrackerConfig parsed = parse_tracker_config(fuzz::text_of(input));
  if (parsed.fault.empty()) ENSURE(parsed.config.sync.heartbeat.count() > 0);
}
