#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/actor.hpp"
#include "messages/byte_stream.hpp"
#include "messages/inside_orchestra.hpp"
#include "peer/orchestra/conductor_words.hpp"
#include "peer/orchestra/orch_share.hpp"

namespace tutti {

struct ConductorLinkOptions {
  std::string conductor;            ///< `host:port`
  std::set<std::string> own_hosts;  ///< addresses of this machine
  Duration poll_every = std::chrono::seconds(10);
  Duration poll_again = std::chrono::seconds(5);  ///< while nobody is known
  Duration answer_patience = std::chrono::seconds(5);
};

/// Speaks with the conductor, and is to the scheduler and the librarian what a tracker_link is: a session that begins at
/// once, and somebody who says who shares the file. Asking is what makes a member known, so it asks for ever.
///
/// Rules:
/// - It dials from the address that the door is bound to, if that is a certain one, since the conductor names whoever asks by
///   where it asks from.
/// - A conductor that is away changes nothing of who is known.
/// - Conductors name a member to itself, and originals those who are long gone. What is this member, or no address, is left
///   out; of very many a random part is used, another one each time.
class ConductorLink final
    : public ActorOf<ConductorLink, Joined<Messages<Ask, ForgetCommand, NowServing>, ByteStreamMessages,
                                           Messages<PollDue, PollOverdue>>> {
 public:
  static constexpr std::size_t members_max = 1000;

  /// Without librarian and scheduler (zero) it makes this client known as a member, and nobody asks who the others are.
  struct Listeners {
    Ref<ShellRole> shell;
    Ref<LibrarianRole> librarian;
    Ref<SchedulerRole> scheduler;
  };
  ConductorLink(ConductorLinkOptions options, std::shared_ptr<const OrchShare> share, Listeners listeners);

  void on(const Ask& ask, Context& context);
  void on(const ForgetCommand&, Context&) {}
  void on(const NowServing& serving, Context& context);
  void on(const LinkUp& up, Context& context);
  void on(const LinkDown& down, Context& context);
  void on(const StreamBytes& bytes, Context& context);
  void on(const PollDue& due, Context& context);
  void on(const PollOverdue& overdue, Context& context);

 private:
  void begin_session(Context& context);
  void take(std::vector<std::string> members, Context& context);
  void end_poll(std::string_view fault, Context& context);
  std::optional<Sharer> sharer_of(const std::string& member) const;
  bool is_own(const std::string& host, std::uint16_t port) const;

  const ConductorLinkOptions options_;
  const std::shared_ptr<const OrchShare> share_;
  const Listeners listeners_;

  NowServing serving_;
  Ref<ByteStreamRole> link_;
  std::uint64_t poll_ = 0;
  std::optional<AnswerReader> answer_;
  std::vector<Sharer> sharers_;
  bool away_ = false;  ///< the user has been told that the conductor is
};

}  // namespace tutti
