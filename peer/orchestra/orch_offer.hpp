#pragma once

#include <memory>
#include <optional>
#include <string>

#include "actors/payload.hpp"
#include "actors/time.hpp"
#include "messages/inside_client.hpp"
#include "peer/bitfield.hpp"
#include "peer/orchestra/orch_share.hpp"
#include "peer/orchestra/parts_number.hpp"

namespace tutti {

/// What there is of one file to be served to members, and the list that says so. The list is written anew when it has
/// changed, but with many parts not more often than its making is worth.
class OrchOffer {
 public:
  /// Where its bytes are, and who said to serve it.
  struct Served {
    Address by;
    std::string path;
    std::optional<FileIdentity> identity;
  };

  explicit OrchOffer(std::shared_ptr<const OrchShare> share);

  const std::shared_ptr<const OrchShare>& share() const { return share_; }
  const std::optional<Served>& served() const { return served_; }
  bool is_served(Address by, const std::string& path) const {
    return served_ && served_->by == by && served_->path == path;
  }
  const Bitfield& pieces() const { return pieces_; }

  void serve(Served served, const Bitfield& pieces);
  void add(PieceIndex part);
  void serve_nothing();
  /// As it goes over the wire.
  Payload list(Instant now);

 private:
  std::shared_ptr<const OrchShare> share_;
  std::optional<Served> served_;
  Bitfield pieces_;
  PartsNumber number_;
  Payload list_;
  bool list_changed_ = true;
  Instant list_made_{};
};

}  // namespace tutti
