#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "actors/link_keys.hpp"
#include "messages/client_tracker.hpp"

namespace tutti::testing {

/// To be done on the very thread and in the very moment in which a request leaves or its answer comes.
struct Moments {
  std::function<void()> asked = nullptr;
  std::function<void()> answered = nullptr;
};

/// A client's side of the conversation with trackers, request by request, each over a link of its own.
class TestClient {
 public:
  /// With a key that no other client of this run has.
  TestClient();
  /// With the key of this number.
  explicit TestClient(std::uint8_t number);

  /// Asks a tracker and waits for the answer, 5 s at most, or until the tracker is gone. Remembers token and floor as
  /// a client does.
  std::optional<Answer> ask(const std::string& endpoint, const ClientRequest& what,
                            const Moments& moments = {});
  /// The request that was asked last, with the same counter, again.
  std::optional<Answer> ask_again(const std::string& endpoint);
  /// From the request to its answer.
  std::chrono::milliseconds last_took() const { return took_; }

 private:
  std::optional<Answer> exchange(const std::string& endpoint, const Moments& moments);
  LinkKeys keys_;
  Request request_;
  std::uint64_t counter_ = 0;
  std::chrono::milliseconds took_{};
};

}  // namespace tutti::testing
