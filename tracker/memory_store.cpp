#include <algorithm>
#include <map>

#include "actors/ensure.hpp"
#include "messages/codec.hpp"
#include "tracker/facts.hpp"
#include "tracker/store.hpp"
#include "tracker/stored.hpp"

namespace tutti {

namespace {

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(const StoreId& id) : id_(id) {}

  StoreId id() const override { return id_; }

  HeadPage heads() override {
    HeadPage page;
    for (const auto& [origin, head] : heads_)
      if (head.sequence.value != 0) page.heads.push_back(head);
    return page;
  }

  StoreFault commit(const CommitBatch& batch) override {
    if (batch.renewal) {
      const LogHead& cut = batch.renewal->cut;
      id_ = batch.renewal->fresh;
      if (heads_.contains(cut.origin)) heads_[cut.origin] = cut;
      log_.erase(log_.upper_bound({cut.origin, cut.sequence}),
                 log_.upper_bound({cut.origin, Sequence{UINT64_MAX}}));
    }
    for (const LogHead& head : batch.heads) heads_[head.origin] = head;
    for (const Delta& delta : batch.deltas) {
      ENSURE(heads_.contains(delta.origin));
      log_[{delta.origin, delta.sequence}] = delta;
    }
    RowReader reader(batch.rows);
    while (const std::optional<StoredRow> row = reader.next()) {
      const RowPlace place{row->bucket, Bytes(row->key.begin(), row->key.end())};
      if (row->value.empty()) {
        rows_.erase(place);
      } else {
        rows_[place] = {Bytes(row->value.begin(), row->value.end()),
                        Bytes(row->metainfo.begin(), row->metainfo.end())};
      }
    }
    ENSURE(reader.is_at_end());
    return {};
  }

  RowPage rows(ByteView buckets, ByteView after, ByteCount bytes, bool whole) override {
    RowPage page;
    auto row = rows_.begin();
    if (!after.empty()) row = rows_.upper_bound({after[0], Bytes(after.begin() + 1, after.end())});
    for (; row != rows_.end(); ++row) {
      const auto& [bucket, key] = row->first;
      if (!buckets.empty() && std::find(buckets.begin(), buckets.end(), bucket) == buckets.end()) continue;
      const auto& [value, metainfo] = row->second;
      page.rows.push_back({bucket, key, value, whole ? ByteView(metainfo) : ByteView()});
      page.next = {bucket};
      page.next.insert(page.next.end(), key.begin(), key.end());
      if (page.rows.run.size() >= bytes.value) return page;
    }
    page.last = true;
    return page;
  }

  StoreFault remember_neighbour(const std::string&, const LinkKey&) override { return {}; }

  LogPage log(const StoreId& origin, Sequence first, std::uint32_t limit, ByteCount bytes) override {
    LogPage page;
    std::uint64_t size = 0;
    auto delta = log_.lower_bound({origin, first});
    for (; delta != log_.end() && delta->first.first == origin && page.deltas.size() < limit; ++delta) {
      page.truncated = page.truncated || (page.deltas.empty() && delta->first.second != first);
      page.deltas.push_back(delta->second);
      size += encode(delta->second).size();
      if (size >= bytes.value) break;
    }
    if (page.deltas.empty()) page.truncated = heads_.contains(origin) && heads_[origin].sequence >= first;
    return page;
  }

  MetainfoPage metainfo(const Gid& gid, const Fid& fid) override {
    const Bytes key = row_keys::file_described(gid, fid);
    const auto row = rows_.find({bucket_of(key), key});
    if (row == rows_.end()) return {};
    return {*decode_record<Metainfo>(row->second.metainfo, stored), {}};
  }

  bool truncate(const VersionVector& upto) override {
    for (const LogPosition& each : upto.positions)
      log_.erase(log_.lower_bound({each.origin, Sequence{}}), log_.upper_bound({each.origin, each.sequence}));
    return false;
  }

 private:
  using RowPlace = std::pair<std::uint8_t, Bytes>;
  StoreId id_;
  std::map<StoreId, LogHead> heads_;
  std::map<std::pair<StoreId, Sequence>, Delta> log_;
  struct Value {
    Bytes value;
    Bytes metainfo;
  };
  std::map<RowPlace, Value> rows_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store(const StoreId& id) { return std::make_unique<MemoryStore>(id); }

}  // namespace tutti
