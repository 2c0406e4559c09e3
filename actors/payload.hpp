#pragma once

#include <memory>
#include <utility>

#include "messages/bytes.hpp"

namespace tutti {

/// Bulk bytes beside a message: immutable, reference-counted, passed by handle. A block that came in from a socket is
/// the very memory that is hashed, written and dropped; nobody copies it. The owner may be freed on any thread.
class Payload {
 public:
  Payload() = default;
  /// Keeps `bytes`.
  static Payload own(Bytes bytes) {
    auto owner = std::make_shared<const Bytes>(std::move(bytes));
    const ByteView view(*owner);
    return Payload(std::move(owner), view);
  }
  /// Shows `view` as long as `owner` keeps it alive and unchanged.
  static Payload hold(std::shared_ptr<const void> owner, ByteView view) {
    return Payload(std::move(owner), view);
  }

  /// The same bytes, with something beside their owner that is told when they are done with, by being freed: whoever makes
  /// other bytes of these (sealed ones) and drops them keeps the counter alive in their stead.
  Payload counted_by(std::shared_ptr<const void> counter) const {
    Payload counted = *this;
    counted.counter_ = std::move(counter);
    return counted;
  }
  /// Null: nobody counts.
  const std::shared_ptr<const void>& counter() const { return counter_; }

  ByteView view() const { return view_; }
  std::size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }

 private:
  Payload(std::shared_ptr<const void> owner, ByteView view) : owner_(std::move(owner)), view_(view) {}

  std::shared_ptr<const void> owner_;
  std::shared_ptr<const void> counter_;
  ByteView view_;
};

}  // namespace tutti
