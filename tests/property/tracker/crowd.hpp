#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/property/tracker/checker.hpp"
#include "tests/property/tracker/network.hpp"
#include "tests/property/tracker/story.hpp"

namespace tutti::test {

/// A client as the trackers see the real one: one link, one request at a time, said again with the same id wherever it
/// goes; floors; a session. What it asks is random, from few names, so that clients meet.
class ModelClient final : public ClientEnd {
 public:
  ModelClient(Network& network, Checker& checker, std::uint8_t number, const Weather& weather);

  /// Called every millisecond. An idle client asks something unless `quiet`.
  void live(bool quiet);
  bool is_idle() const { return !asked_; }
  void leaves(std::size_t tracker, const Answer& answer) override;
  void arrives(WireId wire, const Envelope& envelope) override;
  void is_down(WireId wire) override;

  /// Called when a success has come, with who gave it.
  std::function<void(std::size_t tracker)> succeeded;

 private:
  void begin_anew();
  void dial();
  void move_on();
  void say();
  void conclude(const Answer& answer);
  ClientRequest next_wish();
  ClientRequest wish_of_a_group();
  void check_told(const Answer& answer);
  AddFile some_file(const std::string& group);
  std::string some_user();
  std::string some_group();

  Network& network_;
  Checker& checker_;
  std::uint8_t number_;
  bool says_floors_;
  bool asks_tickets_;
  std::uint8_t incarnation_ = 0;
  ClientKey key_;
  RequestCounter counter_;
  SessionToken token_;
  VersionVector floor_;
  std::size_t tracker_ = 0;
  std::optional<WireId> wire_;
  bool welcome_ = false;
  Instant heard_;
  std::optional<Instant> logged_in_;  // over this wire
  std::optional<Instant> told_;       // of a departure
  Instant next_;                      // not before
  std::optional<Asked> asked_;
};

}  // namespace tutti::test
