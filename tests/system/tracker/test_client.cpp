#include "tests/system/tracker/test_client.hpp"

#include <array>

#include "actors/actor.hpp"
#include "actors/zmq_host.hpp"
#include "messages/codec_impl.hpp"
#include "tracker/version_vector.hpp"

namespace tutti::testing {

namespace {

using Clock = std::chrono::steady_clock;

struct GiveUp {
  TUTTI_MESSAGE(GiveUp, 0x7f01);
};
struct NoRole {
  static constexpr std::string_view name = "test_client";
  using Accepts = Messages<>;
};

/// Asks one request over a real link, then ends its host.
class OneRequest final : public ActorOf<OneRequest, Joined<TrackerRole::Says, Messages<GiveUp>>> {
 public:
  /// What is seen of it from outside.
  struct Outcome {
    std::optional<Answer> answer;
    Clock::time_point asked;
    Clock::time_point answered;
  };
  OneRequest(std::string endpoint, ClientKey key, Request request, const Moments& moments, Outcome& outcome)
      : endpoint_(std::move(endpoint)),
        key_(key),
        request_(std::move(request)),
        moments_(moments),
        outcome_(outcome) {}

  void start(Context& context) override {
    context.ask_key(endpoint_);
    context.after(std::chrono::seconds{5}, GiveUp{});
  }
  void on(const KeyTold& told, Context& context) {
    tracker_ = context.connect<TrackerRole>(endpoint_, told.key);
  }
  void on(const LinkDown&, Context& context) {
    if (asked_) context.stop(context.self());
  }
  void on(const LinkUp&, Context& context) {
    context.send(tracker_, Hello{client_tracker_version, client_tracker_version, key_, "test"});
  }
  void on(const Welcome&, Context& context) {
    asked_ = true;
    context.send(tracker_, request_);
    outcome_.asked = Clock::now();
    if (moments_.asked) moments_.asked();
  }
  void on(const Answer& message, Context& context) {
    if (message.counter != request_.counter) return;
    if (moments_.answered) moments_.answered();
    outcome_.answered = Clock::now();
    outcome_.answer = message;
    context.stop(context.self());
  }
  void on(const GiveUp&, Context& context) { context.stop(context.self()); }
  void on(const Unwelcome&, Context& context) { context.stop(context.self()); }
  void on(const Notice&, Context&) {}
  void on(const GroupChanged&, Context&) {}
  void on(const PieceReported&, Context&) {}

 private:
  std::string endpoint_;
  ClientKey key_;
  Request request_;
  const Moments& moments_;
  Outcome& outcome_;
  bool asked_ = false;
  Ref<TrackerRole> tracker_;
};

}  // namespace

TestClient::TestClient() : keys_(make_link_keys()) {}

TestClient::TestClient(std::uint8_t number) {
  std::array<std::uint8_t, 32> secret{};
  secret.fill(number);
  keys_ = link_keys_of(secret);
}

std::optional<Answer> TestClient::ask(const std::string& endpoint, const ClientRequest& what,
                                      const Moments& moments) {
  request_.counter = {++counter_};
  request_.what = what;
  return exchange(endpoint, moments);
}

std::optional<Answer> TestClient::ask_again(const std::string& endpoint) { return exchange(endpoint, {}); }

std::optional<Answer> TestClient::exchange(const std::string& endpoint, const Moments& moments) {
  OneRequest::Outcome outcome;
  ZmqHostOptions options;
  options.keys = keys_;
  ZmqHost host(options);
  const ZmqHost::WorkerId worker = host.add_calling_worker("test_client");
  const Ref<NoRole> at = host.reserve<NoRole>(worker);
  host.spawn(
      at, "test_client",
      std::make_unique<OneRequest>(endpoint, ClientKey::from(keys_.key.view()), request_, moments, outcome));
  host.start();
  host.run();
  host.stop();
  if (!outcome.answer) return std::nullopt;
  took_ = std::chrono::ceil<std::chrono::milliseconds>(outcome.answered - outcome.asked);
  request_.floor = merged(request_.floor, outcome.answer->at);
  if (const auto* logged_in = outcome.answer->what.get<LoggedIn>()) request_.token = logged_in->token;
  return outcome.answer;
}

}  // namespace tutti::testing
