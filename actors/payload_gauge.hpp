#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "actors/payload.hpp"

namespace tutti {

/// Knows how many bytes of the payloads that it has measured are still held by somebody: by a queue, a socket, another
/// actor. What a link has been sent and has not taken shows here, since nobody else holds it. The payloads may be freed
/// on any thread.
class PayloadGauge {
 public:
  /// The same bytes; they count until the last holder of the result is gone, or of what was made of it.
  Payload measured(const Payload& payload) {
    return payload.counted_by(std::make_shared<const Counted>(payload, held_));
  }
  std::size_t outstanding_bytes() const { return held_->bytes.load(std::memory_order_relaxed); }
  /// How many payloads that is.
  std::size_t outstanding() const { return held_->payloads.load(std::memory_order_relaxed); }

 private:
  struct Held {
    std::atomic<std::size_t> bytes = 0;
    std::atomic<std::size_t> payloads = 0;
  };
  struct Counted {
    Counted(const Payload& payload, std::shared_ptr<Held> by)
        : size(payload.size()), before(payload.counter()), held(std::move(by)) {
      held->bytes.fetch_add(size, std::memory_order_relaxed);
      held->payloads.fetch_add(1, std::memory_order_relaxed);
    }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() {
      held->bytes.fetch_sub(size, std::memory_order_relaxed);
      held->payloads.fetch_sub(1, std::memory_order_relaxed);
    }
    std::size_t size;
    std::shared_ptr<const void> before;  ///< who counted it already
    std::shared_ptr<Held> held;
  };

  std::shared_ptr<Held> held_ = std::make_shared<Held>();
};

}  // namespace tutti
