#pragma once

#include <memory>
#include <string>
#include <vector>

#include "messages/inside_client.hpp"
#include "messages/peer_peer.hpp"
#include "messages/shell_client.hpp"
#include "shell/tools/actor_kind.hpp"

// Small actors for the tests of inject and replay, so that those need no actor of the product.

namespace tutti {

/// Answers AskLink with a count, ForgetCommand a second later; FetchPiece tells its verifier 77.
class EchoActor final : public ActorOf<EchoActor, Messages<AskLink, ForgetCommand, FetchPiece, UnshareFile>> {
 public:
  void on(const AskLink& ask, Context& context) { context.reply(HashProgress{ask.command, {++count_}, {}}); }
  void on(const ForgetCommand& forget, Context& context) {
    patient_ = context.sender();
    context.after(std::chrono::seconds(1), UnshareFile{forget.command, {"g"}, {"f"}});
  }
  void on(const UnshareFile& later, Context& context) {
    context.answer(patient_, ForgetCommand{later.command});
  }
  void on(const FetchPiece& fetch, Context& context) { context.answer(fetch.verifier, ForgetCommand{{77}}); }

 private:
  std::uint64_t count_ = 0;
  Address patient_;
};

struct FriendRole {
  static constexpr std::string_view name = "friend";
  using Accepts = Messages<ForgetCommand, TrackerChanged>;
};

/// Opens a file at a peer and tells its friend how many bytes came, and 1000 when the link is down.
class DiallerActor final : public ActorOf<DiallerActor, Messages<FileOpened>> {
 public:
  DiallerActor(std::string endpoint, Ref<FriendRole> listener)
      : endpoint_(std::move(endpoint)), friend_(listener) {}
  void start(Context& context) override { peer_ = context.connect<ServingPeerRole>(endpoint_, LinkKey{}); }
  void on(const LinkUp&, Context& context) { context.send(peer_, OpenFile{}); }
  void on(const LinkDown&, Context& context) { context.send(friend_, ForgetCommand{{1000}}); }
  void on(const FileOpened&, Context& context) {
    context.send(friend_, ForgetCommand{{context.payload().size()}});
  }

 private:
  std::string endpoint_;
  Ref<FriendRole> friend_;
  Ref<ServingPeerRole> peer_;
};

/// Closes every file with three bytes; tells its friend if there is no door.
class ListenerActor final : public ActorOf<ListenerActor, Messages<CloseFile>> {
 public:
  explicit ListenerActor(Ref<FriendRole> listener) : friend_(listener) {}
  void start(Context& context) override {
    const Opened opened = context.listen<FetchingPeerRole>("127.0.0.1:7001");
    if (!opened.fault.empty()) context.send(friend_, TrackerChanged{0, opened.endpoint, opened.fault});
  }
  void on(const CloseFile& close, Context& context) {
    context.reply(FileClosed{close.fid, CloseReason::asked}, Payload::own({1, 2, 3}));
  }

 private:
  Ref<FriendRole> friend_;
};

inline std::vector<ActorKind> tool_test_kinds() {
  return {
      {"echo",
       "says what it hears",
       ids_of<Messages<AskLink, ForgetCommand, FetchPiece>>(),
       {},
       {},
       [](Casting&) { return std::make_unique<EchoActor>(); }},
      {"dialler",
       "dials",
       {},
       ids_of<ServingPeerRole::Says>(),
       {{"endpoint", "127.0.0.1:7000", "where to"}},
       [](Casting& casting) {
         return std::make_unique<DiallerActor>(casting.setting("endpoint"), casting.partner<FriendRole>());
       }},
      {"listener",
       "listens",
       {},
       ids_of<FetchingPeerRole::Says>(),
       {},
       [](Casting& casting) { return std::make_unique<ListenerActor>(casting.partner<FriendRole>()); }},
  };
}

}  // namespace tutti
