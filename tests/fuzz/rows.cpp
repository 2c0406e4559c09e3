// Rows of a tracker's state, as a snapshot brings them. What is taken lies under its own key and is stored as it came.

#include "messages/row_run.hpp"
#include "messages/tracker_tracker.hpp"
#include "tests/fuzz/target.hpp"
#include "tracker/facts.hpp"

using namespace tutti;

FUZZ_TARGET(rows) {
  const RowRun run{{input.begin(), input.end()}};
  RowReader reader(run);
  RowRun again;
  bool has_keys = true;
  while (const std::optional<StoredRow> row = reader.next()) {
    again.push_back(*row);
    has_keys = has_keys && !row->key.empty();
    static_cast<void>(fact_of(*row));
    static_cast<void>(whole_fact_of(*row));
    static_cast<void>(decode_answer(row->value));
    // What is taken from others is stored as it came, so it has to be what would be made of it here.
    if (const Decoded<Fact> fact = fact_of_others(*row))
      ENSURE(row_of(*fact).key == Bytes(row->key.begin(), row->key.end()));
  }
  ENSURE((reader.is_at_end() && has_keys) == run.fault().empty());
  ENSURE(std::equal(again.run.begin(), again.run.end(), input.begin()));
}
