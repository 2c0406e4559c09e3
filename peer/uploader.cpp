#include "peer/uploader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "actors/context.hpp"
#include "actors/ensure.hpp"
#include "actors/log.hpp"

namespace tutti {

namespace {

std::uint16_t port_of(const std::string& endpoint) {
  std::uint16_t port = 0;
  std::from_chars(endpoint.data() + endpoint.rfind(':') + 1, endpoint.data() + endpoint.size(), port);
  return port;
}

/// What the trackers are to be told of a door: an address that means "any" is left out, they see a better one.
NowServing announcement(const std::string& endpoint) {
  NowServing serving;
  const std::size_t colon = endpoint.rfind(':');
  if (colon == std::string::npos) return serving;
  serving.host = endpoint.substr(0, colon);
  if (serving.host.size() >= 2 && serving.host.front() == '[')
    serving.host = serving.host.substr(1, serving.host.size() - 2);
  if (serving.host == "0.0.0.0" || serving.host == "::" || serving.host == "*") serving.host.clear();
  serving.port = port_of(endpoint);
  return serving;
}

}  // namespace

Uploader::Uploader(UploaderOptions options, Others others, std::shared_ptr<Opened> door)
    : options_(std::move(options)), others_(others), door_(std::move(door)) {}

void Uploader::start(Context& context) {
  if (!open_doors(context)) return;
  NowServing serving = announcement(door_->endpoint);
  if (!options_.public_host.empty()) serving.host = options_.public_host;
  context.send(others_.tracker_link, serving);
  context.send(others_.storage, WatchLimits{});
}

bool Uploader::open_doors(Context& context) {
  *door_ = context.listen<FetchingPeerRole>(options_.endpoint);
  if (door_->address.value == 0) return false;
  const std::string host = door_->endpoint.substr(0, door_->endpoint.rfind(':'));
  sealed_door_ = context.listen_sealed<FetchingPeerRole>(fmt::format("{}:{}", host, options_.sealed_port));
  if (sealed_door_.address.value != 0) return true;
  // Everything works without it, only slower; but a port that was asked for is one that others count on.
  log_warning(fmt::format("no door for sealed links at {}: {}", sealed_door_.endpoint, sealed_door_.fault));
  if (options_.sealed_port == 0) return true;
  context.close(door_->address);
  *door_ = sealed_door_;
  return false;
}

void Uploader::give_pass(Link& link, Context& context) {
  if (link.sealed || link.version < 3 || sealed_door_.address.value == 0) return;
  const SealedPass pass = context.issue_pass(sealed_door_.address, link.key);
  link.pass = pass.id;
  context.reply(SealedDoor{port_of(sealed_door_.endpoint), pass.id, pass.secret});
}

// --- what is served -------------------------------------------------------------------------------------------

void Uploader::on(const ServeFile& serve, Context& context) {
  const PieceLayout layout(serve.size, serve.piece_length);
  std::optional<Bitfield> pieces = Bitfield::parse(serve.bitfield, layout.piece_count());
  ENSURE(pieces.has_value());
  const FileKey key{serve.gid, serve.fid};
  Copies& known = files_[key];
  if (serve.identity && pieces->all()) {
    known.clear();
  } else {
    if (!serve.identity && !known.empty() && known.front().is_whole()) return;
    std::erase_if(known, [&](const Served& each) {
      return each.is(context.sender(), serve.path) || (serve.identity && each.identity);
    });
  }
  known.push_back(
      Served{context.sender(), serve.group, serve.file, serve.path, layout, *pieces, serve.identity});
  tell_pieces(key, context);
}

/// Tells those who have the file open which pieces of it there are.
void Uploader::tell_pieces(const FileKey& key, Context& context) {
  for (auto& [address, link] : links_) {
    const auto open = link.open.find(key.second);
    if (open != link.open.end() && open->second == key.first && !link.sealed)
      context.answer(address, FileOpened{key.second, pieces_of(files_.at(key)).bytes()});
  }
}

void Uploader::on(const ServePiece& serve, Context& context) {
  const auto file = files_.find({serve.gid, serve.fid});
  if (file == files_.end()) return;  // stopped meanwhile
  const auto copy = std::find_if(file->second.begin(), file->second.end(),
                                 [&](const Served& each) { return each.is(context.sender(), serve.path); });
  if (copy == file->second.end()) return;  // the whole file is served instead
  ENSURE(serve.piece.value < copy->pieces.size());
  copy->pieces.set(serve.piece);
  for (auto& [address, link] : links_) {
    if (link.has_open({serve.gid, serve.fid}) && !link.sealed)
      context.answer(address, Have{serve.fid, serve.piece});
  }
}

void Uploader::on(const StopServing& stop, Context& context) {
  stop_serving({stop.gid, stop.fid}, context.sender(), stop.path, stop.reason, context);
}

void Uploader::stop_serving(const FileKey& key, Address by, const std::string& path, CloseReason reason,
                            Context& context) {
  const auto file = files_.find(key);
  if (file == files_.end()) return;
  std::erase_if(file->second, [&](const Served& each) { return each.is(by, path); });
  // Requests for what only this copy had are rejected when their turn comes.
  if (!file->second.empty()) return;
  files_.erase(file);
  tellings_.erase(key);
  hand_outs_.erase(key);
  places_.erase(key);
  for (auto& [address, link] : links_) {
    const auto wants = [&](const std::map<Fid, Gid>& files) {
      const auto wanted = files.find(key.second);
      return wanted != files.end() && wanted->second == key.first;
    };
    if (wants(link.open) || wants(link.knocking)) close_file(address, link, key.second, reason, context);
  }
}

void Uploader::close_file(Address address, Link& link, const Fid& fid, CloseReason reason, Context& context) {
  const auto open = link.open.extract(fid);
  const bool fetched = link.fetches.erase(fid) > 0;
  link.knocking.erase(fid);
  link.idle_since = context.now();
  drop_requests(link, fid);
  context.answer(address, FileClosed{fid, reason});
  flush(address, link, context);
  if (fetched) fetchers_changed({open.mapped(), fid}, context);
}

/// What all copies have together.
Bitfield Uploader::pieces_of(const Copies& copies) {
  Bitfield all = copies.front().pieces;
  for (std::size_t i = 1; i < copies.size(); ++i)
    copies[i].pieces.for_each([&](PieceIndex piece) { all.set(piece); });
  return all;
}

const Uploader::Copies* Uploader::copies(const Link& link, const Fid& fid) const {
  const auto open = link.open.find(fid);
  if (open == link.open.end()) return nullptr;
  const auto file = files_.find({open->second, fid});
  return file == files_.end() ? nullptr : &file->second;
}

const Uploader::Served* Uploader::copy_with(const Link& link, const RequestBlock& request) const {
  const Copies* all = copies(link, request.fid);
  if (all == nullptr) return nullptr;
  const auto copy = std::find_if(all->begin(), all->end(), [&](const Served& each) {
    return request.piece.value < each.pieces.size() && each.pieces.has(request.piece) &&
           request.offset + request.length <= each.layout.piece_size(request.piece);
  });
  return copy == all->end() ? nullptr : &*copy;
}

// --- the peers ------------------------------------------------------------------------------------------------

void Uploader::on(const LinkUp& up, Context& context) {
  const bool sealed = up.listener == sealed_door_.address;
  if (up.listener != door_->address && !sealed) return;
  if (links_.size() >= links_max && !make_room_for_link(context)) {
    log_warning(fmt::format("{} peers are served: {} has to wait", links_.size(), up.peer));
    context.close(up.link);
    return;
  }
  Link& link = links_[up.link];
  link.address = up.peer;
  link.key = up.key;
  link.sealed = sealed;
}

/// Hangs up on somebody who fetches nothing; false if there is none. Further links go with the one that has let them in.
bool Uploader::make_room_for_link(Context& context) {
  std::optional<Address> idle;
  for (const auto& [address, link] : links_) {
    if (!link.client || link.sealed || !link.open.empty() || !link.knocking.empty() ||
        context.now() - link.idle_since < link_idle)
      continue;
    if (!idle || link.idle_since < links_.at(*idle).idle_since) idle = address;
  }
  if (!idle) return false;
  context.close(*idle);
  forget(*idle, context);
  return true;
}

void Uploader::on(const LinkDown& down, Context& context) { forget(down.link, context); }

void Uploader::forget(Address address, Context& context) {
  // Reads that are under way come back to nobody: read_done() finds no link.
  const auto gone = links_.extract(address);
  std::erase(ring_, address);
  sending_.erase(address);
  if (!gone) return;
  const Link& link = gone.mapped();
  if (link.pass) context.revoke_pass(sealed_door_.address, *link.pass);
  const bool has_another = std::any_of(links_.begin(), links_.end(),
                                       [&](const auto& each) { return each.second.client == link.client; });
  if (link.client && !has_another) admission_.forget(*link.client);
  for (const Fid& fid : link.fetches) fetchers_changed({link.open.at(fid), fid}, context);
}

bool Uploader::bears(Address from, Link& link, PeerPatience::Word word, Context& context) {
  if (link.patience.bears(word, context.now())) return true;
  log_warning(fmt::format("a peer at {} says too much at a time", link.address));
  context.close(from);
  forget(from, context);
  return false;
}

void Uploader::on(const PeerHello& hello, Context& context) {
  const auto link = links_.find(context.sender());
  if (link == links_.end() || !bears(link->first, link->second, PeerPatience::Word::small, context)) return;
  if (hello.version_min > peer_peer_version || hello.version_max < peer_peer_version_min) {
    context.reply(PeerUnwelcome{});
    return;
  }
  if (hello.client != ClientKey::from(link->second.key.view())) {
    log_warning(fmt::format("a peer at {} says hello in another one's name", link->second.address));
    context.close(context.sender());
    return forget(context.sender(), context);
  }
  // A new Hello is a new conversation: what was asked in the old one is not wanted any more.
  const std::size_t reading = link->second.reading;
  const UntakenBlocks sent = link->second.sent;
  const LineShare share = link->second.share;
  const std::optional<Outflow> outflow = link->second.outflow;
  const PeerPatience patience = link->second.patience;
  const LinkKey proven = link->second.key;
  const bool sealed = link->second.sealed;
  std::string from = std::move(link->second.address);
  const Link before = std::exchange(link->second, Link{});
  link->second.reading = reading;
  link->second.sent = sent;
  link->second.share = share;
  link->second.outflow = outflow;
  link->second.patience = patience;
  link->second.address = std::move(from);
  link->second.key = proven;
  link->second.sealed = sealed;
  link->second.client = hello.client;
  link->second.idle_since = context.now();
  link->second.version = std::min(hello.version_max, peer_peer_version);
  std::erase(ring_, context.sender());
  context.reply(PeerWelcome{link->second.version, options_.client});
  if (before.pass) context.revoke_pass(sealed_door_.address, *before.pass);
  give_pass(link->second, context);
  for (const Fid& fid : before.fetches) fetchers_changed({before.open.at(fid), fid}, context);
}

void Uploader::on(const OpenFile& open, Context& context) {
  const auto found = links_.find(context.sender());
  if (found == links_.end() || !bears(found->first, found->second, PeerPatience::Word::small, context))
    return;
  Link& link = found->second;
  const FileKey key{open.gid, open.fid};
  const auto known = link.open.find(open.fid);
  if (!link.client || !files_.contains(key)) {
    context.reply(FileClosed{open.fid, CloseReason::not_shared});
  } else if (known != link.open.end() && known->second == open.gid) {
    // What is open stays so until it is closed aloud: its requests count on that.
    context.reply(FileOpened{open.fid, pieces_of(files_.at(key)).bytes()});
  } else if (link.open.size() + link.knocking.size() >= files_a_link_max) {
    context.reply(FileClosed{open.fid, CloseReason::busy});
  } else if (admission_.admitted(open.gid, *link.client)) {
    look_at_places(key, context);
    if (!take_place(key, *link.client, context))
      return close_file(context.sender(), link, open.fid, CloseReason::busy, context);
    open_file(context.sender(), link, key, context);
    look_at_tickets(context);  // it may have been a while since
  } else {
    link.open.erase(open.fid);
    link.fetches.erase(open.fid);
    drop_requests(link, open.fid);
    link.knocking[open.fid] = open.gid;
    link.knocked = context.now();
    if (!admission_.is_undecided(open.gid, *link.client))
      want_ticket(context.sender(), link, open.gid, context);
    look_at_tickets(context);
  }
}

void Uploader::open_file(Address address, Link& link, const FileKey& key, Context& context) {
  enter(link, key);
  answer_open(address, link, key, link.version >= 2 && fetchers_changed(key, context), context);
}

void Uploader::enter(Link& link, const FileKey& key) {
  link.knocking.erase(key.second);
  link.open[key.second] = key.first;
  if (link.version >= 2) link.fetches.insert(key.second);
}

/// Who has a place and does not want it any more loses it.
void Uploader::look_at_places(const FileKey& key, Context& context) {
  std::map<ClientKey, bool> there;
  for (const auto& [address, link] : links_) {
    if (!link.has_open(key)) continue;
    there[*link.client] |= std::any_of(link.waiting.begin(), link.waiting.end(), [&](const Waiting& waiting) {
      return waiting.request.fid == key.second && waiting.state != Waiting::State::rejected;
    });
  }
  places_.try_emplace(key, options_.places).first->second.look(there, context.now());
}

/// False if there is none for it. To be asked after look_at_places().
bool Uploader::take_place(const FileKey& key, const ClientKey& client, Context& context) {
  const Uid user = *admission_.user_of(key.first, client);
  for (;;) {
    Places& places = places_.try_emplace(key, options_.places).first->second;
    const Places::Answer answer = places.take(client, user, context.now());
    if (!answer.goes) return answer.granted;
    for (auto& [address, link] : links_)
      if (link.client == answer.goes && link.has_open(key))
        close_file(address, link, key.second, CloseReason::busy, context);
  }
}

/// `told`: those who fetch it have just heard of each other.
void Uploader::answer_open(Address address, const Link& link, const FileKey& key, bool told,
                           Context& context) {
  if (link.version >= 2 && !told && !link.sealed) {
    std::vector<ClientKey> fetchers = fetchers_of(key);
    if (fetchers.size() > 1) {
      tellings_[key].begun = true;
      context.answer(address, FileFetchers{key.second, std::move(fetchers)});
    }
  }
  tell_request_length(files_.at(key).front().group, context);
  if (const auto length = request_lengths_.find(files_.at(key).front().group);
      length != request_lengths_.end() && link.version >= 4 && !link.sealed)
    context.answer(address, RequestLength{key.second, length->second});
  context.answer(address, FileOpened{key.second, pieces_of(files_.at(key)).bytes()});
  context.send(others_.scheduler, FileWanted{key.first, key.second, *link.client});
}

/// Who has asked for blocks of a file, in the order of their keys.
std::vector<ClientKey> Uploader::fetchers_of(const FileKey& key) const {
  std::set<ClientKey> all;
  for (const auto& [address, link] : links_)
    if (link.fetches.contains(key.second) && link.open.at(key.second) == key.first) all.insert(*link.client);
  std::vector<ClientKey> named(all.begin(), all.end());
  named.resize(std::min(named.size(), fetchers_named_max));
  return named;
}

/// Somebody has begun to fetch a file, or fetches it no more. True if all who fetch it have heard of it now.
bool Uploader::fetchers_changed(const FileKey& key, Context& context) {
  if (!files_.contains(key)) return false;
  if (fetchers_of(key).empty()) hand_outs_.erase(key);
  if (std::none_of(links_.begin(), links_.end(), [&](const auto& each) { return each.second.has_open(key); }))
    places_.erase(key);
  Telling& telling = tellings_[key];
  if (telling.due) return false;
  if (context.now() >= telling.quiet_until) return tell_fetchers(key, telling, context);
  telling.due = true;
  context.after(telling.quiet_until - context.now(), FetchersDue{key.first, key.second});
  return false;
}

void Uploader::on(const FetchersDue& due, Context& context) {
  const auto telling = tellings_.find({due.gid, due.fid});
  if (telling == tellings_.end() || !std::exchange(telling->second.due, false)) return;
  tell_fetchers(telling->first, telling->second, context);
}

bool Uploader::tell_fetchers(const FileKey& key, Telling& telling, Context& context) {
  std::vector<ClientKey> fetchers = fetchers_of(key);
  // One alone is told so only if it has heard of others.
  if (fetchers == telling.fetchers || (fetchers.size() < 2 && !telling.begun)) return false;
  telling.begun = true;
  int told = 0;
  for (const auto& [address, link] : links_) {
    if (link.sealed || !link.fetches.contains(key.second) || link.open.at(key.second) != key.first) continue;
    ++told;
    if (link.version >= 2) context.answer(address, FileFetchers{key.second, fetchers});
  }
  telling.fetchers = std::move(fetchers);
  telling.quiet_until = context.now() + told * tell_pause;
  return true;
}

void Uploader::on(const CloseFile& close, Context& context) {
  const auto link = links_.find(context.sender());
  if (link == links_.end() || !bears(link->first, link->second, PeerPatience::Word::small, context)) return;
  close_file(link->first, link->second, close.fid, CloseReason::asked, context);
}

}  // namespace tutti
