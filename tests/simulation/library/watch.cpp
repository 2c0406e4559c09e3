#include "tests/simulation/library/watch.hpp"

#include <algorithm>

#include "actors/digest.hpp"
#include "messages/peer_peer.hpp"
#include "messages/text.hpp"
#include "peer/tree_path.hpp"
#include "tracker/decisions.hpp"
#include "tracker/facts.hpp"
#include "tracker/version_vector.hpp"

namespace tutti::simulation {

namespace {

using namespace std::chrono_literals;

// What a link may be sent and not have taken: 8 MiB, and what was being read then.
constexpr std::uint64_t untaken_by_a_link_max = 12U << 20U;
// Who is asked anew for less when others come keeps what is under way; so no more than this many times what is allowed.
constexpr std::uint64_t asked_ahead_leeway = 2;

// What was being read, or picked, when an order was given, comes yet.
constexpr Duration order_takes_hold = 2s;
// A limit is kept to within half a block, blocks are at most so long, and a little is saved up.
constexpr std::uint64_t limit_leeway = 2U << 19U;

constexpr std::array<std::string_view, invariants> invariant_names{"answered_from_disk",
                                                                   "ok_is_on_every_disk",
                                                                   "equal_vectors_equal_digests",
                                                                   "members_only",
                                                                   "passes_end",
                                                                   "served_is_verified",
                                                                   "finished_is_the_file",
                                                                   "journal_is_true",
                                                                   "understood_inside",
                                                                   "bounded",
                                                                   "orders_obeyed",
                                                                   "downloads_finish",
                                                                   "trackers_agree",
                                                                   "shares_return",
                                                                   "goes_on",
                                                                   "no_bug"};

template <Message M>
std::optional<M> get(const Envelope& envelope) {
  if (envelope.id != M::message_id) return std::nullopt;
  Decoded<M> message =
      decode<M>(envelope.body, {.frame_bytes = SIZE_MAX >> 1U, .list_items = SIZE_MAX >> 8U, .depth = 16});
  if (!message) return std::nullopt;
  return std::move(*message.value);
}

/// What is never granted without being put down, but a file that is in the group already. Whoever shares what he shares changes
/// nothing.
bool is_change(const ClientRequest& request) {
  return std::visit(
      []<class Each>(const Each&) {
        return std::same_as<Each, CreateUser> || std::same_as<Each, Login> ||
               std::same_as<Each, CreateGroup> || std::same_as<Each, JoinGroup> ||
               std::same_as<Each, AcceptRequest> || std::same_as<Each, RejectRequest> ||
               std::same_as<Each, AddFile> || std::same_as<Each, RemoveMember>;
      },
      request.value);
}

}  // namespace

std::string_view name_of(Invariant invariant) { return invariant_names[static_cast<std::size_t>(invariant)]; }

Watch::Watch(Swarm& swarm) : swarm_(swarm) {}

void Watch::report(Invariant invariant, std::string sentence) {
  if (!violation_) violation_ = Violation{invariant, std::move(sentence), swarm_.clock().now()};
}

TrackerMachine* Watch::tracker_at(NodeId node) const {
  return node < swarm_.trackers().size() ? &swarm_.trackers()[node] : nullptr;
}

ClientMachine* Watch::client_at(NodeId node) const {
  const std::size_t trackers = swarm_.trackers().size();
  return node < trackers ? nullptr : swarm_.clients()[node - trackers].get();
}

// --- what actors are given --------------------------------------------------------------------------------------------

void Watch::delivered(SwarmHost& host, Instant, const Envelope& envelope) {
  if (!swarm_.world().inside_faults.empty())
    report(Invariant::understood_inside, swarm_.world().inside_faults.front());
  if (TrackerMachine* tracker = tracker_of(host)) {
    if (envelope.outside) {
      if (const auto hello = get<Hello>(envelope)) client_of_link_[envelope.from] = hello->client;
      const auto client = client_of_link_.find(envelope.from);
      const auto request = get<Request>(envelope);
      if (client != client_of_link_.end() && request && is_change(request->what))
        changes_asked_for_.emplace(client->second, request->counter);
      return;
    }
    if (const auto service = get<ServiceChanged>(envelope)) tracker->serving = service->serving;
    if (envelope.id != DirectoryHolds::message_id || envelope.to != tracker->replicator) return;
    tracker->holds = *get<DirectoryHolds>(envelope);
    const DirectoryHolds& holds = tracker->holds;
    if (holds.digest.is_zero()) return;
    if (numbers_may_be_reused_ && !trackers_agree()) return;
    numbers_may_be_reused_ = false;
    const auto [known, fresh] = digest_at_.try_emplace(encode_record(holds.at), holds.digest);
    if (!fresh && known->second != holds.digest)
      report(Invariant::equal_vectors_equal_digests, "tracker " + std::to_string(tracker->number) +
                                                         " has another state than was known at " +
                                                         to_text(holds.at));
    return;
  }
  ClientMachine* client = client_at(host.node());
  if (client == nullptr) return;
  note_answer(*client, envelope);
  if (envelope.outside) return;
  note_serving(host, envelope);
  note_peers(host, envelope);
  if (envelope.id == PieceVerified::message_id) ++client->pieces;
  if (const auto piece = get<JournalPiece>(envelope)) check_journal(*client, *piece);
  if (const auto changed = get<DownloadChanged>(envelope);
      changed && changed->download.phase == DownloadPhase::complete)
    check_complete(*client, changed->download);
}

void Watch::check_journal(const ClientMachine& client, const JournalPiece& piece) {
  const auto found = client.store->download_of(piece.download);
  if (!found || !*found) return;
  const DownloadRecord& download = **found;
  if (client.disk->is_rotten(folder_path(download.part_path)) ||
      client.disk->is_rotten(folder_path(download.path)))
    return;
  if (!holds_piece(client, download, piece.piece))
    report(Invariant::journal_is_true, client.name + " journals piece " + std::to_string(piece.piece.value) +
                                           " of " + download.metainfo.name.text +
                                           ", which is not in its part file");
}

bool Watch::holds_piece(const ClientMachine& client, const DownloadRecord& download, PieceIndex piece) const {
  const auto known = contents_.find(download.metainfo.name.text);
  if (known == contents_.end()) return true;
  const Content& content = known->second;
  const SwarmDisk& disk = *client.disk;
  const std::uint64_t offset = piece.value * download.metainfo.piece_length.value;
  const ByteView stretch =
      ByteView(*content.whole).subspan(offset, download.metainfo.piece_size(piece).value);
  if (!content.is_tree())
    return !disk.has(download.part_path) || disk.holds(download.part_path, offset, stretch);
  const std::string part = folder_path(download.part_path);
  if (!disk.has_directory(part)) return true;
  // As long as it is not known what is in it, its manifest lies there; what is known is remembered.
  return disk.holds(part + "/head", offset, stretch) ||
         files_hold(disk, {part + "/tree", folder_path(download.path)}, content, offset, stretch.size());
}

void Watch::check_complete(const ClientMachine& client, const DownloadRow& row) {
  const auto content = contents_.find(row.file.text);
  const std::string path = folder_path(row.path);
  if (content == contents_.end() || client.disk->is_rotten(path)) return;
  const auto& fetches = client.person->wishes().fetches;
  const bool all = std::none_of(fetches.begin(), fetches.end(), [&](const Wishes::Fetch& each) {
    return each.file == row.file.text && !each.only.empty();
  });
  // Of a piece of which only a part was wanted nobody can tell whether it is right, once it has been.
  if (!all && client.disk->has_lost_power()) return;
  if (!is_on(*client.disk, path, content->second, all))
    report(Invariant::finished_is_the_file,
           client.name + " has finished " + row.file.text + ", and it is not the file");
}

// --- what trackers put down and say -----------------------------------------------------------------------------------

void Watch::on_disk(TrackerMachine& tracker, const CommitBatch& batch) {
  const StoreId own = tracker.disk.store->id();
  for (const Delta& delta : batch.deltas) {
    const DeltaKey key{delta.origin, delta.sequence};
    if (delta.origin != own) continue;
    const bool is_new = made_.try_emplace(key, swarm_.clock().now()).second;
    for (const Operation& each : delta.operations) {
      // With an old disk a number is used twice, for another thing: that happened, too.
      learn_fact(each);
      if (is_new) learn_promise(key, each);
    }
  }
}

void Watch::learn_promise(const DeltaKey& key, const Operation& operation) {
  if (const auto* answered = operation.get<RequestAnswered>()) {
    of_request_[{answered->client, answered->counter}].push_back(key);
    outcomes_[key].push_back(operation);
  }
  if (const auto* opened = operation.get<SessionOpened>()) {
    of_request_[{opened->client, opened->generation}].push_back(key);
    outcomes_[key].push_back(operation);
  }
}

void Watch::learn_fact(const Operation& operation) {
  if (const auto* answered = operation.get<RequestAnswered>())
    put_down_.emplace(answered->client, answered->counter);
  if (const auto* opened = operation.get<SessionOpened>()) {
    put_down_.emplace(opened->client, opened->generation);
    users_of_client_[opened->client].insert(opened->uid);
  }
  if (const auto* described = operation.get<FileDescribed>())
    files_[described->fid] = {described->metainfo.name.text, described->gid,
                              described->metainfo.piece_length.value};
  if (const auto* change = operation.get<MembershipChanged>()) {
    Member& member = members_[{change->gid, change->uid}];
    if (change->rank == MembershipRank::accepted) member.ever = true;
    if (std::pair(change->generation, change->rank) < std::pair(member.generation, member.rank)) return;
    member.generation = change->generation;
    member.rank = change->rank;
    member.removed.reset();
    if (change->rank >= MembershipRank::rejected) member.removed = swarm_.clock().now();
  }
}

bool Watch::is_on_every_disk(const DeltaKey& key) const {
  const Instant when = made_.at(key);
  for (const TrackerMachine& tracker : swarm_.trackers()) {
    const auto robbed = robbed_.find(tracker.number);
    if (position_in(tracker.disk.at, key.first) < key.second &&
        (robbed == robbed_.end() || robbed->second < when))
      return false;
  }
  return true;
}

void Watch::disk_lost(TrackerMachine& tracker) {
  robbed_[tracker.number] = swarm_.clock().now();
  // A vector that nobody has any more may be reached again on another way; what the others have they have.
  digest_at_.clear();
  for (const TrackerMachine& each : swarm_.trackers())
    if (each.number != tracker.number && each.host && !each.holds.digest.is_zero())
      digest_at_.emplace(encode_record(each.holds.at), each.holds.digest);
  // With an old disk, and nobody there to ask, a tracker goes on under numbers that it has used: until they have met again,
  // equal vectors mean nothing.
  const StoreId id = tracker.disk.store->id();
  const auto used = made_.lower_bound({id, {}});
  numbers_may_be_reused_ = numbers_may_be_reused_ || (used != made_.end() && used->first.first == id);
}

void Watch::leaves(SwarmHost& host, const Envelope& envelope) {
  if (const ClientMachine* sender = client_at(host.node())) {
    check_bounds(*sender, envelope);
    check_pass(*sender, envelope);
  }
  const TrackerMachine* tracker = tracker_of(host);
  if (tracker == nullptr || envelope.id != Answer::message_id) return;
  const auto client = client_of_link_.find(envelope.to);
  if (client == client_of_link_.end()) return;
  check_answer(*tracker, client->second, *get<Answer>(envelope));
}

void Watch::check_answer(const TrackerMachine& tracker, const ClientKey& client, const Answer& answer) {
  const std::string who = "tracker " + std::to_string(tracker.number);
  const std::string what = std::visit([](const auto& each) { return to_text(each); }, answer.what.value);
  if (!covers(tracker.disk.at, answer.at))
    report(Invariant::answered_from_disk, who + " answers " + what + " by what is not on its disk");
  if (answer.what.get<Refused>() != nullptr) return;
  const auto made = of_request_.find({client, answer.counter});
  const auto* added = answer.what.get<FileAdded>();
  const bool was_so = added != nullptr && added->existed;
  const std::pair request{client, answer.counter};
  if (!was_so && changes_asked_for_.contains(request) && !put_down_.contains(request))
    report(Invariant::ok_is_on_every_disk, who + " answers " + what + ", and it is on no disk");
  if (made == of_request_.end()) return;
  ++acknowledged_;
  if (answer.provisional) return;
  const auto* logged_in = answer.what.get<LoggedIn>();
  bool any = false;
  for (const DeltaKey& key : made->second) {
    for (const Operation& each : outcomes_.at(key)) {
      const auto* opened = each.get<SessionOpened>();
      const auto* recorded = each.get<RequestAnswered>();
      if (opened != nullptr &&
          (logged_in == nullptr || opened->token_hash != sha256(logged_in->token.view())))
        continue;
      if (recorded != nullptr && recorded->outcome != encode_answer(answer.what)) continue;
      if (is_on_every_disk(key)) return;
      any = true;
    }
  }
  if (any)
    report(Invariant::ok_is_on_every_disk,
           who + " answers " + what + " for certain, and it is not on every disk");
}

// --- what clients say to each other -----------------------------------------------------------------------------------

void Watch::on_wire(NodeId from, NodeId to, const Envelope& envelope) {
  if (envelope.id != Block::message_id) return;
  ClientMachine* source = client_at(from);
  if (source == nullptr || client_at(to) == nullptr) return;
  source->bytes_served += envelope.payload.size();
  if (const auto block = get<Block>(envelope)) check_block(from, to, *block, envelope.payload);
}

void Watch::check_block(NodeId from, NodeId to, const Block& block, const Payload& payload) {
  const ClientMachine& source = *client_at(from);
  const ClientMachine& sink = *client_at(to);
  const auto found = files_.find(block.fid);
  if (found == files_.end()) return;
  const FileOf& file = found->second;
  bool member = false;
  for (const Uid& uid : users_of_client_[sink.key]) {
    const auto known = members_.find({file.gid, uid});
    if (known == members_.end() || !known->second.ever) continue;
    const std::optional<Instant>& removed = known->second.removed;
    // While trackers cannot be heard nobody can know; once they can, a ticket has to be renewed.
    member = member || !removed || !quiet_since_ ||
             swarm_.clock().now() - std::max(*removed, *quiet_since_) < served_after_removal;
  }
  if (!member)
    report(Invariant::members_only,
           source.name + " sends a block of " + file.name + " to " + sink.name + ", who is no member");
  const auto content = contents_.find(file.name);
  if (content == contents_.end() || serves_what_has_rotted(source, file.name)) return;
  const std::uint64_t offset = block.piece.value * file.piece_length + block.offset.value;
  const ByteView view = payload.view();
  const Bytes& whole = *content->second.whole;
  if (offset + view.size() > whole.size() ||
      !std::equal(view.begin(), view.end(), whole.begin() + static_cast<std::ptrdiff_t>(offset)))
    report(Invariant::served_is_verified, source.name + " sends " + sink.name + " what is not in piece " +
                                              std::to_string(block.piece.value) + " of " + file.name);
}

void Watch::note_peers(const SwarmHost& host, const Envelope& envelope) {
  const auto up = get<LinkUp>(envelope);
  const auto down = get<LinkDown>(envelope);
  if (!down && (!up || up->listener.value == 0)) return;
  Peers& peers = peers_[host.node()];
  if (peers.host != host.id()) peers = {host.id(), {}};
  if (up) peers.keys[up->link] = up->key;
  if (down) peers.keys.erase(down->link);
}

void Watch::check_pass(const ClientMachine& client, const Envelope& envelope) {
  const SwarmNetwork& network = swarm_.network();
  if (envelope.id != Block::message_id || !network.came_by_pass(envelope.to)) return;
  const std::map<Address, LinkKey>& keys = peers_[client.node].keys;
  const auto by_pass = keys.find(envelope.to);
  const bool has_first = std::any_of(keys.begin(), keys.end(), [&](const auto& each) {
    return by_pass != keys.end() && each.second == by_pass->second && !network.came_by_pass(each.first);
  });
  if (!has_first)
    report(Invariant::passes_end,
           client.name + " sends a block to somebody whose pass is of a link that does not stand");
}

// --- credit -----------------------------------------------------------------------------------------------------------

/// One request is not waited for any more.
template <class Word>
void Watch::answered(NodeId client, Address link, const Word& word) {
  const auto of_client = asked_.find(client);
  if (of_client == asked_.end()) return;
  const auto requests = of_client->second.links.find(link);
  if (requests == of_client->second.links.end()) return;
  const auto found = requests->second.find({word.fid, word.piece, word.offset});
  if (found == requests->second.end()) return;
  of_client->second.ahead -= found->second;
  requests->second.erase(found);
}

void Watch::check_bounds(const ClientMachine& client, const Envelope& envelope) {
  if (envelope.id == Block::message_id && swarm_.network().bytes_waiting(envelope.to) > untaken_by_a_link_max)
    report(Invariant::bounded, client.name + " sends on to somebody who has not taken " +
                                   std::to_string(swarm_.network().bytes_waiting(envelope.to)) + " bytes");
  check_orders(client, envelope);
  // What is taken back may come all the same, but the client does not count on it.
  if (const auto taken_back = get<CancelBlock>(envelope)) answered(client.node, envelope.to, *taken_back);
  const auto request = get<RequestBlock>(envelope);
  if (!request || !client.host) return;
  Asked& asked = asked_[client.node];
  std::uint64_t& length = asked.links[envelope.to][{request->fid, request->piece, request->offset}];
  asked.ahead += request->length.value - std::exchange(length, request->length.value);
  if (asked.ahead <= asked_ahead_leeway * request_memory_) return;
  // Some of the links may be no more.
  asked.ahead = 0;
  std::erase_if(asked.links, [&](const auto& link) { return !swarm_.network().is_link(link.first); });
  for (const auto& [link, requests] : asked.links)
    for (const auto& [what, bytes] : requests) asked.ahead += bytes;
  if (asked.ahead > asked_ahead_leeway * request_memory_)
    report(Invariant::bounded, client.name + " has asked for " + std::to_string(asked.ahead) +
                                   " bytes ahead, and may for " + std::to_string(request_memory_));
}

void Watch::check_orders(const ClientMachine& client, const Envelope& envelope) {
  const Instant now = swarm_.clock().now();
  const auto request = get<RequestBlock>(envelope);
  if (const auto rests = client.person->rests_since(); request && rests && now - *rests > order_takes_hold)
    report(Invariant::orders_obeyed, client.name + " asks for a block while its downloads are paused");
  const LimitDirection direction = request ? LimitDirection::down : LimitDirection::up;
  if (!request && envelope.id != Block::message_id) return;
  const auto limit = client.person->limited(direction);
  if (!limit || now - limit->since < order_takes_hold) return;
  Passed& passed = passed_[{client.node, direction}];
  if (passed.since != limit->since) passed = {limit->since, 0};
  passed.bytes += request ? request->length.value : envelope.payload.size();
  const double seconds = std::chrono::duration<double>(now - limit->since - order_takes_hold).count();
  const auto allowed =
      static_cast<std::uint64_t>(seconds * static_cast<double>(limit->bytes_per_second)) + limit_leeway;
  if (passed.bytes > allowed)
    report(Invariant::orders_obeyed, client.name + (request ? " has asked for " : " has sent ") +
                                         std::to_string(passed.bytes) +
                                         " bytes since it was limited, and may " + std::to_string(allowed));
}

void Watch::note_serving(const SwarmHost& host, const Envelope& envelope) {
  const auto serve = get<ServeFile>(envelope);
  const auto stop = get<StopServing>(envelope);
  const auto failed = get<ServingFailed>(envelope);
  if (!serve && !stop && !failed) return;
  Served& served = served_[host.node()];
  if (served.host != host.id()) served = {host.id(), {}};
  if (serve) served.files[{serve->gid, serve->fid, serve->path}] = serve->file.text;
  if (serve) served_from_[{host.node(), serve->file.text}].insert(folder_path(serve->path));
  if (stop) served.files.erase({stop->gid, stop->fid, stop->path});
  if (failed) served.files.erase({failed->gid, failed->fid, failed->path});
}

bool Watch::serves(const ClientMachine& client, const std::string& file) const {
  const auto served = served_.find(client.node);
  return served != served_.end() && client.host && served->second.host == client.host->id() &&
         std::any_of(served->second.files.begin(), served->second.files.end(),
                     [&](const auto& each) { return each.second == file; });
}

bool Watch::serves_what_has_rotted(const ClientMachine& client, const std::string& file) const {
  const auto from = served_from_.find({client.node, file});
  return from != served_from_.end() &&
         std::any_of(from->second.begin(), from->second.end(),
                     [&](const std::string& path) { return client.disk->has_rotted(path); });
}

/// What a client has been told about what it asked for.
void Watch::note_answer(const ClientMachine& client, const Envelope& envelope) {
  if (envelope.outside) {
    if (const auto block = get<Block>(envelope)) answered(client.node, envelope.from, *block);
    if (const auto no = get<RejectBlock>(envelope)) answered(client.node, envelope.from, *no);
  }
  const bool link_is_over = !envelope.outside && envelope.id == LinkDown::message_id;
  const auto closed = envelope.outside ? get<FileClosed>(envelope) : std::nullopt;
  const auto of_client = asked_.find(client.node);
  if (of_client == asked_.end() || (!link_is_over && !closed)) return;
  Asked& asked = of_client->second;
  const auto link = asked.links.find(envelope.from);
  if (link == asked.links.end()) return;
  std::erase_if(link->second, [&](const auto& each) {
    const bool is_over = link_is_over || std::get<0>(each.first) == closed->fid;
    if (is_over) asked.ahead -= each.second;
    return is_over;
  });
  if (link_is_over) asked.links.erase(link);
}

// --- quiet ------------------------------------------------------------------------------------------------------------

bool Watch::trackers_agree() const {
  const DirectoryHolds& first = swarm_.trackers().front().holds;
  for (const TrackerMachine& each : swarm_.trackers())
    if (!each.host || !each.serving || each.holds.at != first.at || each.holds.digest != first.digest ||
        each.holds.digest.is_zero())
      return false;
  return true;
}

std::uint64_t Watch::lag_of(const TrackerMachine& tracker) const {
  VersionVector all;
  for (const TrackerMachine& each : swarm_.trackers()) all = merged(all, each.disk.at);
  std::uint64_t lag = 0;
  for (const LogPosition& each : all.positions)
    lag +=
        each.sequence.value - std::min(each.sequence.value, position_in(tracker.disk.at, each.origin).value);
  return lag;
}

void Watch::check_quiet() {
  if (!trackers_agree()) report(Invariant::trackers_agree, "trackers differ long after the last fault");
  if (swarm_.network().longest_queue() > swarm_.network().settings().mark)
    report(Invariant::bounded, "a link's queue has grown beyond its mark");
  if (swarm_.world().longest_inbox > inbox_max_)
    report(Invariant::bounded,
           std::to_string(swarm_.world().longest_inbox) + " messages have waited for one thread");
}

}  // namespace tutti::simulation
