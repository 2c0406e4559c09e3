#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/injection_host.hpp"
#include "messages/inside_client.hpp"
#include "peer/client.hpp"
#include "peer/memory_disk.hpp"
#include "peer/metainfo_builder.hpp"
#include "tests/support/tickets.hpp"

namespace tutti::test {

inline ClientKey client_key(std::uint8_t byte) {
  ClientKey key;
  key.bytes.fill(byte);
  return key;
}
/// What the links of that client prove.
inline LinkKey link_key(std::uint8_t byte) { return LinkKey::from(client_key(byte).view()); }

/// As much of a tracker as a client can see: every group exists, everybody is a member, answers come at once.
class LittleTracker {
 public:
  TrackerAnswer answer(const ClientKey& client, const Request& request) {
    const SessionToken token = request.token;
    if (const auto* login = request.what.get<Login>()) {
      LoggedIn answer;
      answer.user = login->user;
      answer.uid.bytes.fill(static_cast<std::uint8_t>(login->user.text.front()));
      answer.token.bytes.fill(client.bytes.front());
      online_[client] = {login->user, login->host, login->port};
      return answer;
    }
    if (request.what.get<Logout>() != nullptr) {
      online_.erase(client);
      return Done{};
    }
    if (!online_.contains(client) || token.is_zero()) return Refused{Code::not_logged_in, "log in"};
    if (const auto* add = request.what.get<AddFile>()) {
      const Fid fid = fid_of(add->metainfo);
      const auto known = files_.find({add->group.text, add->metainfo.name.text});
      if (known != files_.end() && known->second.fid != fid)
        return Refused{Code::file_conflict, "another file"};
      const bool existed = known != files_.end();
      File& file = files_[{add->group.text, add->metainfo.name.text}];
      file.fid = fid;
      file.metainfo = add->metainfo;
      file.sharers.insert(client);
      return FileAdded{gid(add->group), fid, existed};
    }
    if (const auto* find = request.what.get<FindFile>()) {
      const auto known = files_.find({find->group.text, find->file.text});
      if (known == files_.end()) return Refused{Code::no_such_file, "no such file"};
      return FileFound{gid(find->group), known->second.fid, known->second.metainfo, sharers(known->second)};
    }
    if (const auto* find = request.what.get<FindSharers>()) {
      for (const auto& [name, file] : files_)
        if (file.fid == find->fid) return Sharers{sharers(file)};
      return Refused{Code::no_such_file, "no such file"};
    }
    if (const auto* question = request.what.get<AskTicket>()) {
      if (expelled_.contains(client)) return Refused{Code::not_a_member, "no member"};
      return TicketGiven{signed_ticket(keys_, question->gid, client, expelled_.size(), 1'060'000)};
    }
    if (request.what.get<AskTicketRules>() != nullptr)
      return TicketRules{expelled_.size(), 1'000'000, {keys_.key}};
    if (const auto* start = request.what.get<StartShare>()) {
      for (auto& [name, file] : files_)
        if (file.fid == start->fid) file.sharers.insert(client);
      return Done{};
    }
    if (const auto* stop = request.what.get<StopShare>()) {
      const auto known = files_.find({stop->group.text, stop->file.text});
      if (known == files_.end() || known->second.sharers.erase(client) == 0)
        return Refused{Code::not_sharing, "not shared"};
      return Done{};
    }
    return Done{};
  }
  void forget(const ClientKey& client) { online_.erase(client); }
  /// It is a member no more, and only other clients hear of that.
  void expel(const ClientKey& client) { expelled_.insert(client); }
  std::size_t sharers_of(const std::string& file) const {
    for (const auto& [name, known] : files_)
      if (name.second == file) return known.sharers.size();
    return 0;
  }

 private:
  struct File {
    Fid fid;
    Metainfo metainfo;
    std::set<ClientKey> sharers;
  };
  struct Presence {
    UserName user;
    std::string host;
    std::uint16_t port = 0;
  };
  static Gid gid(const GroupName& group) {
    Gid id;
    id.bytes.fill(static_cast<std::uint8_t>(group.text.front()));
    return id;
  }
  std::vector<Sharer> sharers(const File& file) const {
    std::vector<Sharer> result;
    for (const ClientKey& client : file.sharers)
      if (const auto online = online_.find(client); online != online_.end())
        result.push_back({online->second.user, client, online->second.host, online->second.port});
    return result;
  }

  std::map<std::pair<std::string, std::string>, File> files_;
  std::map<ClientKey, Presence> online_;
  std::set<ClientKey> expelled_;
  const SigningKeys keys_ = signing_keys_of({7});
};

/// Whole clients in one injection host, with a little tracker, and links that carry what is said from one to the other.
/// Tests can lose, change and hold back what goes over the links.
class LittleNetwork {
 public:
  explicit LittleNetwork(std::uint64_t seed = 1) : host(seed) {}

  struct Client {
    ClientKey key;
    std::shared_ptr<MemoryDisk> disk;  ///< unless it was given another one
    std::shared_ptr<ClientStore> store;
    ClientAddresses at;
    std::string endpoint;
    std::uint64_t last_command = 0;
  };

  Client& add(std::uint8_t number, std::shared_ptr<ClientStore> store = nullptr,
              std::shared_ptr<MemoryDisk> disk = nullptr, std::shared_ptr<Disk> real = nullptr) {
    Client client;
    client.key = client_key(number);
    client.disk = disk ? disk : std::make_shared<MemoryDisk>();
    client.disk->put_directory("/home");
    client.store = store ? store : make_memory_client_store(ClientIdentity{client.key, {}});
    client.endpoint = "127.0.0.1:" + std::to_string(next_port_++);
    client.at.shell = host.probe<ShellRole>("shell");
    client.at.tracker_link = host.reserve<TrackerLinkRole>();
    client.at.librarian = host.reserve<LibrarianRole>();
    client.at.scheduler = host.reserve<SchedulerRole>();
    client.at.uploader = host.reserve<UploaderRole>();
    client.at.storage = host.reserve<StorageRole>();
    client.at.checker = host.reserve<FileHasherRole>();
    for (int i = 0; i < 2; ++i) {
      client.at.verifiers.push_back(host.reserve<HashVerifierRole>());
      client.at.hashers.push_back(host.reserve<FileHasherRole>());
    }
    ClientSettings settings;
    settings.endpoint = client.endpoint;
    settings.trackers = {TrackerEntry{1, "127.0.0.1", 5000, link_key(0xee)}};
    settings.software = "test";
    ClientCast cast = make_client(settings, client.at, real ? real : client.disk, client.store);
    host.spawn_at(client.at.storage.address, "storage", std::move(cast.storage));
    host.spawn_at(client.at.checker.address, "checker", std::move(cast.checker));
    for (std::size_t i = 0; i < 2; ++i) {
      host.spawn_at(client.at.verifiers[i].address, "verifier", std::move(cast.verifiers[i]));
      host.spawn_at(client.at.hashers[i].address, "hasher", std::move(cast.hashers[i]));
    }
    host.spawn_at(client.at.tracker_link.address, "tracker_link", std::move(cast.tracker_link));
    host.spawn_at(client.at.librarian.address, "librarian", std::move(cast.librarian));
    host.spawn_at(client.at.uploader.address, "uploader", std::move(cast.uploader));
    host.spawn_at(client.at.scheduler.address, "scheduler", std::move(cast.scheduler));
    clients_.push_back(std::make_unique<Client>(std::move(client)));
    settle();
    return *clients_.back();
  }

  /// kill -9: nothing is said any more, the links break.
  void kill(Client& client) {
    for (const auto& link : host.links()) {
      const bool own = owner_of(link.owner) == &client;
      if (!own) continue;
      for (const auto& [near, far] : std::map(wires_)) {
        if (near == link.address || far == link.address) unplug(near);
      }
    }
    dead_.insert(&client);
    tracker.forget(client.key);
    settle();
  }

  template <class Role, class M>
  CommandId command(Client& client, Ref<Role> to, M message) {
    message.command = CommandId{++client.last_command};
    host.inject(client.at.shell.address, to.address, message);
    settle();
    return message.command;
  }
  /// The outcome of a command; fails the test if there is none.
  Told told(Client& client, CommandId command) {
    while (auto said = host.find<Told>(client.at.shell.address))
      if (said->message.command == command) return said->message;
    throw ExpectationFailed("command " + std::to_string(command.value) + " has no outcome");
  }
  void login(Client& client, const std::string& user) {
    const CommandId id = command(client, client.at.tracker_link, Ask{{}, Login{UserName{user}, "pw", "", 0}});
    if (told(client, id).what.get<LoggedIn>() == nullptr) throw ExpectationFailed("not logged in");
  }
  std::vector<DownloadRow> downloads(Client& client) {
    command(client, client.at.scheduler, ListDownloads{});
    std::optional<InjectionHost::Said<Downloads>> last;
    while (auto said = host.find<Downloads>(client.at.shell.address)) last = std::move(said);
    return last ? last->message.downloads : std::vector<DownloadRow>{};
  }
  /// Lets time pass until `done`, at most `limit`; false if it never is.
  bool run_until(const std::function<bool()>& done, Duration limit = std::chrono::seconds(60)) {
    for (Duration passed{}; passed < limit; passed += std::chrono::milliseconds(50)) {
      settle();
      if (done()) return true;
      host.advance(std::chrono::milliseconds(50));
    }
    settle();
    return done();
  }
  bool is_in(Client& client, DownloadPhase phase) {
    const auto rows = downloads(client);
    return !rows.empty() && rows.back().phase == phase;
  }

  /// Carries everything that is said over links, until nobody says anything.
  void settle() {
    for (bool busy = true; busy;) {
      busy = plug_in();
      std::vector<Envelope> said;
      for (const Envelope& envelope : host.outbox())
        if (is_link(envelope.to)) said.push_back(envelope);
      for (const Envelope& envelope : said) host.discard(envelope.to);
      for (Envelope& envelope : said) {
        busy = true;
        carry(envelope);
      }
    }
  }

  InjectionHost host;
  LittleTracker tracker;
  /// Looks at (and may change) a message between peers; false loses it.
  std::function<bool(const Client& from, Envelope&)> tamper;

 private:
  bool is_link(Address address) const {
    for (const auto& link : host.links())
      if (link.address == address) return true;
    return false;
  }
  Client* owner_of(Address actor) {
    for (const auto& client : clients_)
      if (client->at.uploader.address == actor || client->at.tracker_link.address == actor)
        return client.get();
    const auto fetcher = fetchers_.find(actor);
    return fetcher == fetchers_.end() ? nullptr : fetcher->second;
  }
  /// Whose fetcher this is.
  const Client* fetching(Address fetcher) {
    for (const auto& client : clients_)
      if (client->at.scheduler.address == host.parent_of(fetcher)) return client.get();
    return nullptr;
  }
  Client* serving_at(const std::string& endpoint) {
    for (const auto& client : clients_)
      if (client->endpoint == endpoint && !dead_.contains(client.get())) return client.get();
    return nullptr;
  }
  /// Whose fetcher a new dealer belongs to is known by the Hello that it says.
  bool plug_in() {
    bool any = false;
    for (const auto& link : host.links()) {
      if (link.kind == LinkKind::connect_sealed && !link.up) any = plug_in_sealed(link) || any;
      if (link.kind != LinkKind::connect || link.up) continue;
      if (link.endpoint == "127.0.0.1:5000") {
        if (dead_.contains(owner_of(link.owner))) continue;
        host.link_up(link.address);
        any = true;
      } else if (Client* server = serving_at(link.endpoint)) {
        const Address door = host.link_to(link.endpoint);
        (void)door;
        Address listener{};
        for (const auto& each : host.links())
          if (each.kind == LinkKind::listen && each.owner == server->at.uploader.address &&
              each.listener.value == 0)
            listener = each.address;
        const Client* dialling = fetching(link.owner);
        if (dialling == nullptr) continue;
        const Address far = host.accept(listener, "127.0.0.1:40000", LinkKey::from(dialling->key.view()));
        wires_[link.address] = far;
        wires_[far] = link.address;
        host.link_up(link.address);
        any = true;
      }
    }
    return any;
  }
  bool plug_in_sealed(const InjectionHost::Link& link) {
    for (const auto& door : host.links()) {
      if (door.kind != LinkKind::listen_sealed || door.endpoint != link.endpoint ||
          !door.passes.contains(link.pass.id))
        continue;
      const Address far = host.accept_sealed(door.address, link.pass.id);
      wires_[link.address] = far;
      wires_[far] = link.address;
      host.link_up(link.address);
      return true;
    }
    return false;
  }
  void unplug(Address near) {
    const auto wire = wires_.find(near);
    if (wire == wires_.end()) return;
    const Address far = wire->second;
    wires_.erase(near);
    wires_.erase(far);
    for (const Address each : {near, far})
      if (host.is_open(each)) host.link_down(each);
  }
  void carry(Envelope& envelope) {
    for (const auto& link : host.links()) {
      if (link.address != envelope.to || link.endpoint != "127.0.0.1:5000") continue;
      if (const Client* client = owner_of(link.owner); client != nullptr && !dead_.contains(client))
        answer(*client, link, envelope);
      return;
    }
    const auto wire = wires_.find(envelope.to);
    if (wire == wires_.end()) return;
    if (envelope.id == PeerHello::message_id) {
      const PeerHello hello = *decode<PeerHello>(envelope.body);
      // The first time only: a client that was killed and its successor say the same key.
      for (const auto& client : clients_)
        if (client->key == hello.client && !dead_.contains(client.get()))
          fetchers_.emplace(envelope.from, client.get());
    }
    const Client* from = owner_of(envelope.from);
    if (from != nullptr && dead_.contains(from)) return;
    if (tamper && from != nullptr && !tamper(*from, envelope)) return;
    const Address far = wire->second;
    for (const auto& link : host.links())
      if (link.address == far) {
        host.inject_encoded(far, link.owner, envelope.id, envelope.body, envelope.payload);
        return;
      }
  }
  void answer(const Client& client, const InjectionHost::Link& link, const Envelope& envelope) {
    if (envelope.id == Hello::message_id) {
      Welcome welcome;
      welcome.tracker_number = 1;
      host.inject(link.address, link.owner, welcome);
    } else if (envelope.id == Request::message_id) {
      const Request request = *decode<Request>(envelope.body);
      Answer reply;
      reply.counter = request.counter;
      reply.what = tracker.answer(client.key, request);
      host.inject(link.address, link.owner, reply);
    }
  }

  std::vector<std::unique_ptr<Client>> clients_;
  std::set<const Client*> dead_;
  std::map<Address, Address> wires_;
  std::map<Address, Client*> fetchers_;
  std::uint16_t next_port_ = 7001;
};

}  // namespace tutti::test
