// Trace files, whole, torn or made by hand: they are read, and what can be replayed of them is. As many records as fit into
// the bytes, and an end.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "actors/replay.hpp"
#include "messages/codec.hpp"
#include "messages/shell_client.hpp"
#include "peer/client_recording.hpp"
#include "tests/fuzz/target.hpp"
#include "tracker/tracker_recording.hpp"

using namespace tutti;

namespace {

/// Does a little of everything, whatever it is given.
class Anybody final : public ActorOf<Anybody, Messages<AskLink, ForgetCommand>> {
 public:
  void start(Context& context) override { context.listen<FetchingPeerRole>("127.0.0.1:0"); }
  void on(const AskLink&, Context& context) {
    std::array<std::uint8_t, 4> secret{};
    context.fill_secret(secret);
    context.reply(ForgetCommand{{context.random().below(10)}}, context.payload());
    context.after(std::chrono::seconds(1), ForgetCommand{{1}});
  }
  void on(const ForgetCommand&, Context& context) {
    context.spawn<AnybodyRole>("child", std::make_unique<Anybody>());
  }

 private:
  struct AnybodyRole {
    static constexpr std::string_view name = "anybody";
    using Accepts = Messages<AskLink>;
  };
};

/// Actors of the product are made of what a recording says of them, though not run: what they are given by hand would break
/// their trust in each other.
std::vector<ReplayedActor> cast(const ProcessBegan& process) {
  client_again(process);
  tracker_again(process);
  std::vector<ReplayedActor> actors;
  actors.push_back({{1}, std::make_unique<Anybody>()});
  return actors;
}

}  // namespace

FUZZ_TARGET(trace) {
  const int file = memfd_create("trace", MFD_CLOEXEC);
  ENSURE(file >= 0);
  ENSURE(write(file, input.data(), input.size()) == static_cast<ssize_t>(input.size()));
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  TraceReader reader;
  if (reader.open(path).empty()) {
    std::size_t records = 0;
    while (reader.next()) ++records;
    ENSURE(records * 4 <= input.size());
    TraceReader again;
    ENSURE(again.open(path).empty());
    const ReplayOutcome outcome = replay(again, {nullptr, cast});
    ENSURE(outcome.deliveries <= records);
  }
  close(file);
}
