#include "tracker/logs.hpp"

#include <utility>

#include "actors/digest.hpp"
#include "actors/ensure.hpp"
#include "messages/codec.hpp"
#include "tracker/version_vector.hpp"

namespace tutti {

Sha256 hash_of(const Delta& delta) { return sha256(encode(delta)); }

DeltaFit LogHeads::judge(const Delta& delta) const {
  const LogHead head = head_of(delta.origin);
  if (delta.sequence <= head.sequence) return DeltaFit::known;
  if (delta.sequence != head.sequence + Sequence{1}) return DeltaFit::gap;
  return delta.previous == head.hash ? DeltaFit::next : DeltaFit::forked;
}

void LogHeads::advance(const Delta& delta, const Sha256& hash) {
  ENSURE(judge(delta) == DeltaFit::next);
  join({delta.origin, delta.sequence, hash});
}

void LogHeads::join(const LogHead& head) {
  if (head_of(head.origin).sequence >= head.sequence) return;
  heads_[head.origin] = head;
  tutti::advance(vector_, head.origin, head.sequence);
}

void LogHeads::cut(const LogHead& head) {
  const auto known = heads_.find(head.origin);
  if (known == heads_.end() || known->second.sequence <= head.sequence) return;
  known->second = head;
  tutti::cut(vector_, head.origin, head.sequence);
}

LogHead LogHeads::head_of(const StoreId& origin) const {
  const auto found = heads_.find(origin);
  return found == heads_.end() ? LogHead{origin, {}, {}} : found->second;
}

std::vector<LogHead> LogHeads::all() const {
  std::vector<LogHead> result;
  for (const auto& [origin, head] : heads_)
    if (head.sequence.value != 0) result.push_back(head);
  return result;
}

Delta OwnLog::seal(std::vector<Operation> operations, WallTime now) {
  ENSURE(!operations.empty() && operations.size() <= delta_operations_max);
  Delta delta{head_.origin, head_.sequence + Sequence{1}, clock_.next(now), head_.hash,
              std::move(operations)};
  head_.sequence = delta.sequence;
  head_.hash = hash_of(delta);
  return delta;
}

void OwnLog::recovered(const LogHead& head) {
  ENSURE(head.origin == head_.origin);
  if (head.sequence > head_.sequence) head_ = head;
}

}  // namespace tutti
