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
  /// The same bytes; they count until the last holder of the result is gone.
  Payload measured(Payload payload) {
    const ByteView view = payload.view();
    return Payload::hold(std::make_shared<const Counted>(std::move(payload), bytes_), view);
  }
  std::size_t outstanding_bytes() const { return bytes_->load(std::memory_order_relaxed); }

 private:
  using Counter = std::atomic<std::size_t>;
  struct Counted {
    Counted(Payload kept, std::shared_ptr<Counter> counter)
        : payload(std::move(kept)), bytes(std::move(counter)) {
      bytes->fetch_add(payload.size(), std::memory_order_relaxed);
    }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { bytes->fetch_sub(payload.size(), std::memory_order_relaxed); }
    Payload payload;
    std::shared_ptr<Counter> bytes;
  };

  std::shared_ptr<Counter> bytes_ = std::make_shared<Counter>(0);
};

}  // namespace tutti
