#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "actors/actor.hpp"
#include "messages/inside_client.hpp"

namespace tutti {

/// The time for answers is over.
struct SurveyOver {
  TUTTI_MESSAGE(SurveyOver, 0x0482);
};

/// Nobody speaks to a survey: it asks.
struct PeerSurveyRole {
  static constexpr std::string_view name = "peer_survey";
  using Accepts = Messages<>;
};

/// What is to be found out, and for whom.
struct SurveyQuestion {
  CommandId command;
  ClientKey self;
  Gid gid;
  Fid fid;
  std::uint32_t pieces = 0;
  std::vector<Sharer> sharers;
  PeerTicket ticket = {};  ///< to be shown to them
};

/// Asks those who share a file which pieces they have, says PeersSurveyed once, and stops itself. Spawned by whoever
/// wants to know.
///
/// Rules:
/// - Each peer is asked over a link of its own, as a fetcher would: what it says there is what it would give.
/// - Not longer than `patience` in all, and not more than `asked_max` peers: somebody waits for the answer. The others
///   have not answered.
/// - A peer that is another client than the tracker said has not answered either.
class PeerSurvey final : public ActorOf<PeerSurvey, Joined<ServingPeerRole::Says, Messages<SurveyOver>>> {
 public:
  static constexpr Duration patience = std::chrono::seconds(1);
  static constexpr std::size_t asked_max = 64;

  PeerSurvey(SurveyQuestion question, Ref<ShellRole> asker);

  void start(Context& context) override;
  void check_invariants() const override;

  void on(const LinkUp& up, Context& context);
  void on(const PeerWelcome& welcome, Context& context);
  void on(const PeerUnwelcome& unwelcome, Context& context);
  void on(const FileOpened& opened, Context& context);
  void on(const FileClosed& closed, Context& context);
  void on(const SurveyOver& over, Context& context);
  // A bitfield is all that is asked for; what else a server may say is no answer.
  void on(const Block&, Context&) {}
  void on(const RejectBlock&, Context&) {}
  void on(const Have&, Context&) {}
  void on(const FileFetchers&, Context&) {}
  void on(const RequestLength&, Context&) {}
  void on(const TicketWanted&, Context&) {}
  void on(const SealedDoor&, Context&) {}

 private:
  struct Asked {
    Ref<ServingPeerRole> link;  ///< none: answered, or given up
    ClientKey expected;
  };
  std::optional<std::size_t> position_of(Address link) const;
  void settle(std::size_t position, std::optional<std::uint32_t> pieces, Context& context);
  void conclude(Context& context);

  const SurveyQuestion question_;
  const Ref<ShellRole> asker_;
  std::vector<Asked> asked_;
  std::vector<PeerShare> found_;  ///< of each sharer
  std::size_t open_ = 0;          ///< links that an answer may still come over
  bool concluded_ = false;
};

}  // namespace tutti
