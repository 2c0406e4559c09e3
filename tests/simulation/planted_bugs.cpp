#include "tests/simulation/planted_bugs.hpp"

#include <memory>

#include "actors/ensure.hpp"
#include "messages/inside_client.hpp"
#include "messages/inside_tracker.hpp"
#include "messages/peer_peer.hpp"
#include "tests/support/tickets.hpp"
#include "tracker/version_vector.hpp"

namespace tutti::simulation {

namespace {

using namespace std::chrono_literals;

constexpr DecodeLimits any_size{.frame_bytes = SIZE_MAX >> 1U, .list_items = SIZE_MAX >> 8U, .depth = 16};

template <Message M>
std::optional<M> get(const Envelope& envelope) {
  if (envelope.id != M::message_id) return std::nullopt;
  return *decode<M>(envelope.body, any_size).value;
}

/// Changes a message on its way, if it is an `M`.
template <Message M, class Change>
void change(Envelope& envelope, Change how) {
  if (envelope.id != M::message_id) return;
  M message = *decode<M>(envelope.body, any_size).value;
  how(message);
  envelope.body = encode(message);
}

template <Message M, class Change>
Seams changing(Change how) {
  Seams seams;
  seams.inside = [how](Swarm&, SwarmHost&, Envelope& envelope) {
    change<M>(envelope, how);
    return true;
  };
  return seams;
}

/// Messages of these kinds are lost between actors.
template <Message... Ms>
Seams losing() {
  Seams seams;
  seams.inside = [](Swarm&, SwarmHost&, Envelope& envelope) {
    return ((envelope.id != Ms::message_id) && ...);
  };
  return seams;
}

TrackerMachine* tracker_of(Swarm& swarm, const SwarmHost& host) {
  return host.node() < swarm.trackers().size() ? &swarm.trackers()[host.node()] : nullptr;
}

ClientMachine* client_of(Swarm& swarm, const SwarmHost& host) {
  return host.node() < swarm.trackers().size() ? nullptr
                                               : swarm.clients()[host.node() - swarm.trackers().size()].get();
}

// --- where bugs have to show ------------------------------------------------------------------------------------------

/// A random story, but for the trackers that it has.
Scenario with_trackers(std::uint64_t seed, std::uint32_t count) {
  Scenario scenario = random_scenario(seed);
  scenario.trackers = count;
  const auto is_gone = [&](const std::string& name) {
    return name.starts_with("tracker-") && std::stoul(name.substr(8)) > count;
  };
  std::erase_if(scenario.faults,
                [&](const Fault& fault) { return is_gone(fault.who) || is_gone(fault.other); });
  return scenario;
}

/// What a tracker answers waits for nobody else.
Scenario one_tracker(std::uint64_t seed) { return with_trackers(seed, 1); }

/// Two trackers, of which one is killed while much is done at the other one, and a third whose disk is lost when all is well.
Scenario a_tracker_is_behind(std::uint64_t seed) {
  Scenario scenario = with_trackers(seed, 3);
  scenario.faults.clear();
  scenario.network.feed_loss_percent = 0;
  scenario.faults.push_back({1200ms, FaultKind::kill, "tracker-2", "", 4s, 0});
  scenario.faults.push_back({13s, FaultKind::forget_logs, "tracker-1", "", 1s, 0});
  scenario.faults.push_back({13s, FaultKind::forget_logs, "tracker-2", "", 1s, 0});
  scenario.faults.push_back({14s, FaultKind::lose_disk, "tracker-3", "", 1s, 0});
  return scenario;
}

/// Both who fetch are limited, or rest, while they do.
Scenario people_give_orders(std::uint64_t seed, FaultKind order) {
  Scenario scenario;
  scenario.name = "orders";
  scenario.trackers = 1;
  scenario.tracker_line = "line";
  scenario.lines["line"] = {500'000, 500'000, 5ms, 1ms, 0};
  for (int i = 1; i <= 3; ++i)
    scenario.clients.push_back({"client-" + std::to_string(i), "line", 0s, {}, {}});
  scenario.files.push_back(
      {"film", "group", 24'000'000 + seed * 1000, {"client-1"}, {"client-2", "client-3"}, 4s});
  for (const auto& who : {"client-1", "client-2", "client-3"})
    scenario.faults.push_back({6s + std::chrono::milliseconds(seed * 53 % 1000), order, who, "", 20s, 100});
  return scenario;
}
Scenario people_set_limits(std::uint64_t seed) { return people_give_orders(seed, FaultKind::limit); }
Scenario people_pause(std::uint64_t seed) { return people_give_orders(seed, FaultKind::pause); }

/// Two trackers, and nothing goes wrong but that the second one's line is slow.
Scenario a_tracker_is_slow(std::uint64_t seed) {
  Scenario scenario = with_trackers(seed, 2);
  scenario.faults.clear();
  for (int i = 0; i < 12; ++i)
    scenario.faults.push_back({std::chrono::milliseconds(600 + i * 700), FaultKind::slow_path, "tracker-1",
                               "tracker-2", 400ms, 60});
  return scenario;
}

/// The disk of one of two trackers is full while people come.
Scenario a_tracker_cannot_write(std::uint64_t seed) {
  Scenario scenario = with_trackers(seed, 2);
  scenario.faults.clear();
  for (int i = 0; i < 6; ++i)
    scenario.faults.push_back(
        {std::chrono::milliseconds(700 + i * 1000), FaultKind::full_disk, "tracker-2", "", 600ms, 0});
  return scenario;
}

/// Many who fetch a file of several pieces from one another, over lines that hold much.
Scenario wide_lines(std::uint64_t seed) {
  Scenario scenario;
  scenario.name = "wide lines";
  scenario.trackers = 1;
  scenario.tracker_line = "line";
  scenario.lines["line"] = {125'000'000, 125'000'000, 40ms, 2ms, 0};
  scenario.request_memory = 1U << 20U;
  for (int i = 1; i <= 4; ++i)
    scenario.clients.push_back({"client-" + std::to_string(i), "line", 0s, {}, {}});
  scenario.files.push_back(
      {"film", "group", 24'000'000 + seed * 1000, {"client-1", "client-2"}, {"client-3", "client-4"}, 4s});
  return scenario;
}

/// Somebody goes for good while he is fetched from, in the middle of a long file, and another one has the rest.
Scenario a_source_goes(std::uint64_t seed) {
  Scenario scenario;
  scenario.name = "a source goes";
  scenario.trackers = 1;
  scenario.tracker_line = "line";
  scenario.lines["line"] = {1'250'000, 1'250'000, 5ms, 1ms, 0};
  for (int i = 1; i <= 4; ++i)
    scenario.clients.push_back({"client-" + std::to_string(i), "line", 0s, {}, {}});
  scenario.files.push_back(
      {"film", "group", 8'000'000 + seed * 1000, {"client-1", "client-2"}, {"client-3", "client-4"}, 4s});
  for (const auto& who : {"client-1", "client-2"})
    scenario.faults.push_back(
        {7s + std::chrono::milliseconds(seed * 37 % 500), FaultKind::power, who, "", 6s, 0});
  return scenario;
}

/// One source, and three who fetch a file of some pieces from it and from each other for a while.
Scenario a_small_crowd(std::uint64_t seed) {
  Scenario scenario;
  scenario.name = "a small crowd";
  scenario.trackers = 1;
  scenario.tracker_line = "line";
  scenario.lines["line"] = {1'250'000, 1'250'000, 5ms, 1ms, 0};
  for (int i = 1; i <= 4; ++i)
    scenario.clients.push_back({"client-" + std::to_string(i), "line", 0s, {}, {}});
  scenario.files.push_back(
      {"film", "group", 6'000'000 + seed * 1000, {"client-1"}, {"client-2", "client-3", "client-4"}, 4s});
  return scenario;
}

/// Those who fetch are killed amid it.
Scenario leechers_are_killed(std::uint64_t seed) {
  Scenario scenario = a_small_crowd(seed);
  for (const auto& who : {"client-2", "client-3", "client-4"})
    scenario.faults.push_back(
        {6s + std::chrono::milliseconds(seed * 37 % 1000), FaultKind::kill, who, "", 1s, 0});
  return scenario;
}

/// Everybody's client is killed, after it has shared and while it fetches.
Scenario clients_are_killed(std::uint64_t seed) {
  Scenario scenario = random_scenario(seed);
  scenario.faults.clear();
  for (const ClientSpec& each : scenario.clients) {
    const auto at = 6s + std::chrono::milliseconds(stream_of(seed, "killed " + each.name).below(4000));
    scenario.faults.push_back({at, FaultKind::kill, each.name, "", 1s, 0});
  }
  return scenario;
}

// --- trackers ---------------------------------------------------------------------------------------------------------

Seams reply_before_ack() {
  Seams seams;
  seams.inside = [](Swarm&, SwarmHost& host, Envelope& envelope) {
    const auto wait = get<AwaitReached>(envelope);
    if (wait) host.say(envelope.to, envelope.from, Reached{wait->ticket, {}});
    return !wait;
  };
  return seams;
}

Seams provisional_is_not_said() {
  return changing<Reached>([](Reached& reached) { reached.missing.clear(); });
}

Seams received_counts_as_stored() {
  Seams seams;
  seams.inside = [](Swarm& swarm, SwarmHost& host, Envelope& envelope) {
    const auto learned = get<Learned>(envelope);
    const TrackerMachine* tracker = tracker_of(swarm, host);
    if (!learned || tracker == nullptr || tracker->holds.store.is_zero()) return true;
    DirectoryHolds holds = tracker->holds;
    for (const Delta& delta : learned->deltas) advance(holds.at, delta.origin, delta.sequence);
    holds.digest = {};
    holds.rejected = false;
    host.say(envelope.to, envelope.from, holds);
    return true;
  };
  return seams;
}

/// What is to be put on the disk is put there a little later.
Seams reply_before_commit() {
  const auto writes_now = std::make_shared<bool>(false);
  Seams seams;
  seams.inside = [writes_now](Swarm& swarm, SwarmHost& host, Envelope& envelope) {
    if (envelope.id == BatchCommitted::message_id && envelope.from.value != 0) return false;
    const auto batch = get<CommitBatch>(envelope);
    if (!batch || *writes_now) return true;
    host.say(Address{}, envelope.from, BatchCommitted{batch->ticket});
    swarm.clock().after(20ms, [writes_now, &swarm, envelope, node = host.node(), id = host.id()] {
      const TrackerMachine& tracker = swarm.trackers()[node];
      if (!tracker.host || tracker.host->id() != id) return;
      *writes_now = true;
      tracker.host->say_encoded(envelope);
      *writes_now = false;
    });
    return false;
  };
  return seams;
}

/// A disk that lies: what it was given last is in its cache.
Seams commit_is_not_synced() {
  const auto caches = std::make_shared<std::map<std::uint32_t, CommitBatch>>();
  Seams seams;
  seams.before_disk = [caches](Swarm&, TrackerMachine& tracker, CommitBatch& batch) {
    const auto [cache, was_empty] = caches->try_emplace(tracker.number, batch);
    if (was_empty) return false;
    std::swap(cache->second, batch);
    return true;
  };
  return seams;
}

/// What was answered is done, but not remembered: whoever asks again elsewhere may hear something else.
Seams answers_are_not_put_down() {
  Seams seams;
  seams.before_disk = [](Swarm&, TrackerMachine&, CommitBatch& batch) {
    for (Delta& delta : batch.deltas)
      std::erase_if(delta.operations,
                    [](const Operation& each) { return each.get<RequestAnswered>() != nullptr; });
    return true;
  };
  return seams;
}

Seams nothing_is_pulled() {
  Seams seams;
  seams.wire = [](Swarm&, NodeId, NodeId, Envelope& envelope) {
    return envelope.id != Pull::message_id && envelope.id != AskRows::message_id &&
           envelope.id != Ops::message_id;
  };
  return seams;
}

/// Every third row of a snapshot is lost on its way into the state.
Seams snapshot_loses_rows() {
  const auto count = std::make_shared<std::uint64_t>(0);
  return changing<LearnedRows>([count](LearnedRows& page) {
    RowRun kept;
    RowReader reader(page.rows);
    while (const std::optional<StoredRow> row = reader.next())
      if (++*count % 3 != 0) kept.push_back(*row);
    page.rows = kept;
  });
}

Seams presence_is_not_heard() {
  Seams seams;
  seams.wire = [](Swarm&, NodeId, NodeId, Envelope& envelope) { return envelope.id != Present::message_id; };
  return seams;
}

// --- verifying, journal, storage ----------------------------------------------------------------------------------------

/// Some blocks are other ones when they have come.
bool spoil(Envelope& envelope) {
  if (envelope.id != Block::message_id || envelope.payload.size() < 2) return true;
  Bytes bytes(envelope.payload.view().begin(), envelope.payload.view().end());
  bytes[bytes.size() / 2] ^= 1U;
  envelope.payload = Payload::own(std::move(bytes));
  return true;
}

/// A verifier takes whatever comes.
Seams wrong_counts_as_right() {
  Seams seams;
  const auto blocks = std::make_shared<std::uint64_t>(0);
  seams.inside = [blocks](Swarm&, SwarmHost& host, Envelope& envelope) {
    if (envelope.id == StoreBlock::message_id && ++*blocks % 3 == 0) {
      Envelope spoilt{{}, {}, Block::message_id, {}, envelope.payload, true};
      spoil(spoilt);
      envelope.payload = spoilt.payload;
    }
    const auto corrupt = get<PieceCorrupt>(envelope);
    if (corrupt)
      host.say(envelope.from, envelope.to, PieceVerified{corrupt->download, corrupt->piece, corrupt->run});
    return !corrupt;
  };
  return seams;
}

Seams journalled_when_asked_for() {
  Seams seams;
  seams.inside = [](Swarm& swarm, SwarmHost& host, Envelope& envelope) {
    if (const auto fetch = get<FetchPiece>(envelope))
      if (const ClientMachine* client = client_of(swarm, host))
        host.say(envelope.from, client->at.storage.address, JournalPiece{fetch->download, fetch->piece});
    return true;
  };
  return seams;
}

/// A disk that says of every second block that it is written.
Seams write_is_lost() {
  Seams seams;
  seams.begin = [](Swarm& swarm) {
    for (const auto& client : swarm.clients()) {
      const auto count = std::make_shared<std::uint64_t>(0);
      client->disk->writes = [count](const std::string&, std::uint64_t) { return ++*count % 2 == 0; };
    }
  };
  return seams;
}

/// One has fetched a file, and the power fails a minute later; then it is the only one to ask.
Scenario power_fails_late(std::uint64_t seed) {
  Scenario scenario;
  scenario.name = "power fails late";
  scenario.trackers = 1;
  scenario.tracker_line = "line";
  scenario.lines["line"] = {12'500'000, 12'500'000, 2ms, 0ms, 0};
  scenario.clients = {
      {"source", "line", 0s, {}, {}}, {"first", "line", 0s, {}, {}}, {"second", "line", 65s, {}, {}}};
  scenario.files.push_back(
      {"film", "group", 1'000'000 + seed * 100'000, {"source"}, {"first", "second"}, 3s});
  scenario.faults.push_back({64s, FaultKind::stop, "source", "", 0s, 0});
  scenario.faults.push_back({80s, FaultKind::quit, "source", "", 30s, 0});
  scenario.faults.push_back({60s, FaultKind::power, "first", "", 1s, 0});
  return scenario;
}

Seams sync_is_not_done() {
  Seams seams;
  seams.begin = [](Swarm& swarm) {
    for (const auto& client : swarm.clients()) client->disk->syncs = [](const std::string&) { return false; };
  };
  return seams;
}

Seams downloads_are_not_resumed() {
  return changing<DownloadsRecalled>([](DownloadsRecalled& recalled) { recalled.downloads.clear(); });
}

Seams shares_are_not_resumed() {
  return changing<SharesRecalled>([](SharesRecalled& recalled) { recalled.shares.clear(); });
}

// --- picker, fetcher, uploader ------------------------------------------------------------------------------------------

/// What is picked is forgotten on its way: nobody ever asks for it.
Seams picks_are_forgotten() {
  const auto count = std::make_shared<std::uint64_t>(0);
  Seams seams;
  seams.inside = [count](Swarm&, SwarmHost&, Envelope& envelope) {
    return envelope.id != FetchPiece::message_id || ++*count % 2 == 0;
  };
  return seams;
}

Seams verdicts_are_lost() {
  const auto count = std::make_shared<std::uint64_t>(0);
  Seams seams;
  seams.inside = [count](Swarm&, SwarmHost&, Envelope& envelope) {
    return envelope.id != PieceVerified::message_id || ++*count % 2 == 0;
  };
  return seams;
}

Seams wrong_stretch_is_read() {
  return changing<ReadBlock>([](ReadBlock& read) {
    if (read.offset.value > 0) --read.offset.value;
  });
}

/// What is to be fetched is offered as if it were there.
Seams served_when_asked_for() {
  return changing<ServeFile>([](ServeFile& serve) {
    const auto pieces = static_cast<std::uint32_t>((serve.size.value + serve.piece_length.value - 1) /
                                                   serve.piece_length.value);
    for (std::uint8_t& byte : serve.bitfield) byte = 0xff;
    if (pieces % 8 != 0 && !serve.bitfield.empty())
      serve.bitfield.back() = static_cast<std::uint8_t>(0xff00U >> (pieces % 8));
  });
}

Seams a_lost_peer_is_not_noticed() { return losing<PeerLost, LaneClosed, PieceNotCome>(); }

Seams blocks_are_never_read() { return losing<BlockRead, BlockUnreadable>(); }

// --- tickets ------------------------------------------------------------------------------------------------------------

/// What somebody does who comes in a process of his own.
struct Visit {
  std::optional<PeerTicket> ticket{};
  std::uint32_t requests = 1;
  std::optional<SealedPass> pass{};  ///< by which he comes to the sealed door
  std::uint16_t port = 7000;
  bool for_ever = false;  ///< he asks again and again
};

constexpr Duration asked_again = 5s;

/// Speaks with one client as one who fetches, says what a client would, and asks for so many blocks at once: one time, or for
/// ever, and comes back when he is shown the door.
class Stranger final : public ActorOf<Stranger, Joined<ServingPeerRole::Says, Messages<TicketDue>>> {
 public:
  Stranger(std::string endpoint, LinkKey met, ClientKey self, OpenFile wanted, Visit visit)
      : endpoint_(std::move(endpoint)), met_(met), self_(self), wanted_(wanted), visit_(std::move(visit)) {}
  void start(Context& context) override {
    link_ = visit_.pass ? context.connect_sealed<ServingPeerRole>(endpoint_, met_, *visit_.pass)
                        : context.connect<ServingPeerRole>(endpoint_, met_);
  }
  void on(const LinkUp&, Context& context) { context.send(link_, PeerHello{1, 2, self_}); }
  void on(const PeerWelcome&, Context& context) {
    come_in(context);
    if (std::exchange(visit_.for_ever, false)) context.after(asked_again, TicketDue{wanted_.gid});
  }
  void on(const FileOpened&, Context& context) { ask(context); }
  void on(const TicketDue& due, Context& context) {
    come_in(context);
    ask(context);
    context.after(asked_again, due);
  }
  void on(const SealedDoor&, Context&) {}
  void on(const PeerUnwelcome&, Context&) {}
  void on(const FileClosed&, Context&) {}
  void on(const Block&, Context&) {}
  void on(const RejectBlock&, Context&) {}
  void on(const Have&, Context&) {}
  void on(const FileFetchers&, Context&) {}
  void on(const RequestLength&, Context&) {}
  void on(const TicketWanted&, Context&) {}

 private:
  void come_in(Context& context) {
    if (visit_.ticket) context.send(link_, ShowTicket{*visit_.ticket});
    context.send(link_, wanted_);
  }
  void ask(Context& context) {
    for (std::uint32_t i = 0; i < visit_.requests; ++i)
      context.send(link_, RequestBlock{wanted_.fid, PieceIndex{i % 8}, ByteCount{0}, block_size_max});
  }

  std::string endpoint_;
  LinkKey met_;
  ClientKey self_;
  OpenFile wanted_;
  Visit visit_;
  Ref<ServingPeerRole> link_;
};

/// One who shares something, one who fetches it all the time, and a machine for somebody else.
Scenario with_a_stranger(std::uint64_t seed) {
  Scenario scenario;
  scenario.name = "with a stranger";
  scenario.trackers = 1;
  scenario.tracker_line = "line";
  scenario.lines["line"] = {1'250'000, 1'250'000, 2ms, 0ms, 0};
  scenario.clients = {
      {"source", "line", 0s, {}, {}}, {"member", "line", 0s, {}, {}}, {"stranger", "line", 20s, {}, {}}};
  scenario.files.push_back({"film", "group", 4'000'000 + seed * 1000, {"source"}, {"member"}, 3s});
  return scenario;
}

/// What has been seen of a member's conversation with a source.
struct SeenOnTheWire {
  std::optional<OpenFile> open;
  std::optional<PeerTicket> ticket;
  std::optional<SealedDoor> door;  ///< of the source
};

std::function<bool(Swarm&, NodeId, NodeId, Envelope&)> noting(const std::shared_ptr<SeenOnTheWire>& seen) {
  return [seen](Swarm& swarm, NodeId from, NodeId, Envelope& envelope) {
    if (const auto door = get<SealedDoor>(envelope); door && from == swarm.clients()[0]->node)
      seen->door = *door;
    if (const auto open = get<OpenFile>(envelope)) seen->open = *open;
    if (const auto show = get<ShowTicket>(envelope)) seen->ticket = show->ticket;
    return true;
  };
}

/// He comes to the source, from a client's machine on which nothing runs, with its key.
void visit_source(Swarm& swarm, const char* name, std::size_t from, const OpenFile& wanted, Visit visit) {
  const ClientMachine& source = *swarm.clients()[0];
  const ClientMachine& machine = *swarm.clients()[from];
  SwarmHost& host = swarm.invite({name, machine.node, LinkKey::from(machine.key.view()), 2s, 1, 0ms});
  const auto at = host.reserve<FetchingPeerRole>(host.add_worker("main"));
  const std::string door = swarm.network().ip_of(source.node) + ":" + std::to_string(visit.port);
  host.spawn(at, name,
             std::make_unique<Stranger>(door, LinkKey::from(source.key.view()), machine.key, wanted,
                                        std::move(visit)));
}

void leave_after_5s(Swarm& swarm) {
  swarm.clock().after(5s, [&swarm] { swarm.dismiss_guests(); });
}

}  // namespace

Scenario with_a_greedy_member(std::uint64_t seed) {
  Scenario scenario = with_a_stranger(seed);
  scenario.name = "with a greedy member";
  scenario.lines["line"] = {125'000'000, 125'000'000, 2ms, 0ms, 0};
  scenario.lines["slow"] = {125'000'000, 100'000, 2ms, 0ms, 0};
  scenario.clients[1].line = "slow";
  scenario.faults.push_back({8s, FaultKind::kill, "member", "", 10s, 0});
  return scenario;
}

Seams a_member_asks_for_much() {
  const auto seen = std::make_shared<SeenOnTheWire>();
  Seams seams;
  seams.wire = noting(seen);
  seams.begin = [seen](Swarm& swarm) {
    swarm.clock().at(Instant{} + 9s, [seen, &swarm] {
      ENSURE(seen->open && seen->ticket);
      visit_source(swarm, "greedy", 1, *seen->open,
                   {.ticket = seen->ticket, .requests = requests_waiting_max});
      leave_after_5s(swarm);
    });
  };
  return seams;
}

Scenario with_a_member_who_goes(std::uint64_t seed) {
  Scenario scenario = with_a_greedy_member(seed);
  scenario.name = "with a member who goes";
  scenario.faults.back().lasts = 20s;
  return scenario;
}

Seams a_member_comes_by_an_old_pass() {
  const auto seen = std::make_shared<SeenOnTheWire>();
  Seams seams;
  seams.wire = noting(seen);
  seams.begin = [seen](Swarm& swarm) {
    swarm.clock().at(Instant{} + 14s, [seen, &swarm] {
      ENSURE(seen->open && seen->ticket && seen->door);
      visit_source(swarm, "old pass", 1, *seen->open,
                   {.ticket = seen->ticket,
                    .pass = SealedPass{seen->door->pass, seen->door->secret},
                    .port = seen->door->port});
      leave_after_5s(swarm);
    });
  };
  return seams;
}

Scenario with_a_removed_member(std::uint64_t seed) {
  Scenario scenario = with_a_stranger(seed);
  scenario.name = "with a removed member";
  scenario.lines["line"] = {12'500'000, 12'500'000, 2ms, 0ms, 0};
  scenario.clients.pop_back();
  scenario.clients[1].leaves_after = 500ms;
  scenario.faults.push_back({20s, FaultKind::remove_member, "member", "", 1s, 0});
  scenario.quiet = 130s;
  return scenario;
}

Seams a_removed_member_goes_on() {
  const auto seen = std::make_shared<SeenOnTheWire>();
  Seams seams;
  seams.wire = noting(seen);
  seams.begin = [seen](Swarm& swarm) {
    swarm.clock().at(Instant{} + 15s, [seen, &swarm] {
      ENSURE(seen->open && seen->ticket && !swarm.clients()[1]->host);
      visit_source(swarm, "removed", 1, *seen->open, {.ticket = seen->ticket, .for_ever = true});
    });
  };
  return seams;
}

Seams a_stranger_asks(StrangersTicket kind) {
  const auto seen = std::make_shared<SeenOnTheWire>();
  Seams seams;
  seams.wire = noting(seen);
  seams.begin = [seen, kind](Swarm& swarm) {
    swarm.clock().at(Instant{} + 12s, [seen, kind, &swarm] {
      ENSURE(seen->open && seen->ticket);
      Visit visit;
      if (kind == StrangersTicket::stolen) visit.ticket = *seen->ticket;
      if (kind == StrangersTicket::own) {
        std::array<std::uint8_t, 32> secret{};
        secret.fill(1);
        visit.ticket = test::signed_ticket(signing_keys_of(secret), seen->open->gid, swarm.clients()[2]->key,
                                           seen->ticket->epoch, seen->ticket->expires);
      }
      visit_source(swarm, "stranger", 2, *seen->open, std::move(visit));
      leave_after_5s(swarm);
    });
  };
  return seams;
}

namespace {

/// What is said to be revoked is good for ever.
Seams passes_do_not_end() {
  Seams seams = a_member_comes_by_an_old_pass();
  seams.begin = [comes = seams.begin](Swarm& swarm) {
    swarm.network().revokes = false;
    comes(swarm);
  };
  return seams;
}

/// An uploader hears of no removal, and that it is long ago: each ticket is good for ever.
Seams removals_are_not_heard() {
  Seams seams = a_removed_member_goes_on();
  seams.inside = [](Swarm&, SwarmHost&, Envelope& envelope) {
    change<Told>(envelope, [](Told& told) {
      const auto* rules = told.what.get<TicketRules>();
      if (rules != nullptr) told.what = TicketRules{0, 1, rules->signers};
    });
    return envelope.id != GroupChanged::message_id;
  };
  return seams;
}

Seams tickets_for_strangers() { return a_stranger_asks(StrangersTicket::own); }

// --- credit -------------------------------------------------------------------------------------------------------------

Seams asks_beyond_its_budget() {
  Seams seams;
  seams.adjust = [](ClientSettings& settings) { settings.scheduler.request_memory = ByteCount{1U << 30U}; };
  return seams;
}

/// What a link has been sent counts as taken, whether it is or not.
Seams sent_counts_as_taken() {
  Seams seams = a_member_asks_for_much();
  seams.leave = [](Swarm&, SwarmHost&, Envelope& envelope) {
    if (envelope.id == Block::message_id)
      envelope.payload = Payload::own({envelope.payload.view().begin(), envelope.payload.view().end()});
  };
  return seams;
}

/// Somebody asks and asks, and waits for no answer.
Seams asks_without_end() {
  Seams seams;
  seams.begin = [](Swarm& swarm) {
    swarm.clock().at(Instant{} + 5s, [&swarm] {
      const ClientMachine& client = *swarm.clients()[0];
      for (int i = 0; client.host && i < 2000; ++i)
        client.host->say(client.at.shell.address, client.at.scheduler.address, ListDownloads{});
    });
  };
  return seams;
}

Seams limits_are_not_heard() { return losing<LimitsChanged>(); }

Seams pausing_does_nothing() {
  return changing<ControlDownloads>([](ControlDownloads& order) {
    if (order.order == DownloadOrder::pause) order.order = DownloadOrder::resume;
  });
}

}  // namespace

const std::vector<PlantedBug>& planted_bugs() {
  using enum Invariant;
  static const std::vector<PlantedBug> bugs{
      {"reply before ack", "trackers", ok_is_on_every_disk, reply_before_ack, a_tracker_is_slow},
      {"provisional is not said", "trackers", ok_is_on_every_disk, provisional_is_not_said,
       a_tracker_is_behind},
      {"received counts as stored", "trackers", ok_is_on_every_disk, received_counts_as_stored,
       a_tracker_cannot_write},
      {"reply before commit", "trackers", answered_from_disk, reply_before_commit, one_tracker},
      {"commit is not synced", "trackers", answered_from_disk, commit_is_not_synced, one_tracker},
      {"answers are not put down", "trackers", ok_is_on_every_disk, answers_are_not_put_down, one_tracker},
      {"nothing is pulled", "trackers", trackers_agree, nothing_is_pulled, a_tracker_is_behind},
      {"snapshot loses rows", "trackers", equal_vectors_equal_digests, snapshot_loses_rows,
       a_tracker_is_behind},
      {"presence is not heard", "trackers", shares_return, presence_is_not_heard},
      {"wrong counts as right", "verifier", journal_is_true, wrong_counts_as_right, a_small_crowd},
      {"journalled when asked for", "journal", journal_is_true, journalled_when_asked_for},
      {"a write is lost", "journal", journal_is_true, write_is_lost},
      {"a sync is not done", "journal", served_is_verified, sync_is_not_done, power_fails_late},
      {"downloads are not resumed", "journal", downloads_finish, downloads_are_not_resumed,
       leechers_are_killed},
      {"shares are not resumed", "journal", shares_return, shares_are_not_resumed, clients_are_killed},
      {"picks are forgotten", "picker", downloads_finish, picks_are_forgotten, a_small_crowd},
      {"verdicts are lost", "picker", downloads_finish, verdicts_are_lost},
      {"asks beyond its budget", "fetcher", bounded, asks_beyond_its_budget, wide_lines},
      {"a lost peer is not noticed", "fetcher", downloads_finish, a_lost_peer_is_not_noticed, a_source_goes},
      {"asks without end", "shell", bounded, asks_without_end, a_small_crowd},
      {"pausing does nothing", "scheduler", orders_obeyed, pausing_does_nothing, people_pause},
      {"limits are not heard", "uploader", orders_obeyed, limits_are_not_heard, people_set_limits},
      {"the wrong stretch is read", "uploader", served_is_verified, wrong_stretch_is_read, a_small_crowd},
      {"served before it is there", "uploader", served_is_verified, served_when_asked_for, a_small_crowd},
      {"blocks are never read", "uploader", downloads_finish, blocks_are_never_read},
      {"sent counts as taken", "uploader", bounded, sent_counts_as_taken, with_a_greedy_member},
      {"passes do not end", "sealed door", passes_end, passes_do_not_end, with_a_member_who_goes},
      {"removals are not heard", "tickets", members_only, removals_are_not_heard, with_a_removed_member},
      {"tickets for strangers", "tickets", members_only, tickets_for_strangers, with_a_stranger},
  };
  return bugs;
}

}  // namespace tutti::simulation
