#include "messages/row_run.hpp"

namespace tutti {

namespace {

constexpr std::size_t size_bytes = 4;
constexpr std::size_t head_bytes = 2 + 2 * size_bytes;

void push_size(Bytes& run, std::size_t size) {
  for (int shift = 24; shift >= 0; shift -= 8) run.push_back(static_cast<std::uint8_t>(size >> shift));
}

std::size_t size_at(ByteView bytes) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < size_bytes; ++i) size = size << 8U | bytes[i];
  return size;
}

void push_all(Bytes& run, ByteView bytes) { run.insert(run.end(), bytes.begin(), bytes.end()); }

}  // namespace

void RowRun::push_back(const StoredRow& row) {
  run.push_back(row.bucket);
  run.push_back(static_cast<std::uint8_t>(row.key.size()));
  push_size(run, row.value.size());
  push_size(run, row.metainfo.size());
  push_all(run, row.key);
  push_all(run, row.value);
  push_all(run, row.metainfo);
}

Fault RowRun::fault() const {
  RowReader reader(*this);
  while (const std::optional<StoredRow> row = reader.next())
    if (row->key.empty()) return "a row has no key";
  return reader.is_at_end() ? "" : "a run of rows is cut short";
}

std::optional<StoredRow> RowReader::next() {
  if (left_.size() < head_bytes) return std::nullopt;
  const std::size_t key = left_[1];
  const std::size_t value = size_at(left_.subspan(2));
  const std::size_t metainfo = size_at(left_.subspan(2 + size_bytes));
  if (left_.size() - head_bytes < key + value + metainfo) return std::nullopt;
  const ByteView body = left_.subspan(head_bytes);
  const StoredRow row{left_[0], body.first(key), body.subspan(key, value),
                      body.subspan(key + value, metainfo)};
  left_ = body.subspan(key + value + metainfo);
  return row;
}

}  // namespace tutti
