#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actors/troupe.hpp"
#include "messages/trace_records.hpp"

// What actors of a troupe see. Only for troupe*.cpp.

namespace tutti {

class Troupe::CellContext : public Context {
 public:
  CellContext(Troupe& troupe, Cell& cell, Address sender, const Payload& payload)
      : troupe_(troupe), cell_(cell), sender_(sender), payload_(payload) {}

  Instant now() const override { return stage().now(); }
  WallTime wall_time() const override { return stage().wall_time(); }
  Random& random() override { return stage().random(); }
  void fill_secret(std::span<std::uint8_t> target) override { stage().fill_secret(target); }
  Address self() const override { return cell_.address; }
  Address sender() const override { return sender_; }
  const Payload& payload() const override { return payload_; }

  void cancel(TimerId timer) override;
  void admit(Address door, const std::vector<LinkKey>& keys) override { stage().admit(door, keys); }
  void revoke_pass(Address door, const SealedPassId& id) override { stage().revoke_pass(door, id); }
  void probe(Address link) override { stage().probe(link); }
  std::optional<Outflow> outflow(Address link) override { return stage().outflow(link); }
  void close(Address link) override;
  void stop(Address actor) override;
  void goodbye() override { cell_.goodbye_said = true; }
  void watch(int descriptor) override;
  void unwatch(int descriptor) override;

 protected:
  void post(Address to, MessageId id, Bytes body, Payload payload) override;
  TimerId start_timer(Duration delay, MessageId id, Bytes body) override;
  Opened open(LinkKind kind, const std::string& endpoint, const Door& door) override;
  void admit_pass(Address door, const LinkKey& key, const SealedPass& pass) override {
    stage().admit_pass(door, key, pass);
  }
  Address spawn_child(std::string_view actor_name, std::unique_ptr<Actor> actor) override;

  Stage& stage() const { return troupe_.stage_; }

 private:
  Troupe& troupe_;
  Cell& cell_;
  Address sender_;
  const Payload& payload_;
};

}  // namespace tutti
