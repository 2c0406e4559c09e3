#include "tracker/front_desk.hpp"

#include <algorithm>

#include "actors/ensure.hpp"
#include "actors/log.hpp"
#include "messages/codec_impl.hpp"

namespace tutti {

template struct Codec<RequestsDue>;

namespace {

// `1.2.3.4` of `1.2.3.4:5678`, `::1` of `[::1]:5678`.
std::string host_of(const std::string& peer) {
  if (peer.starts_with('[')) return peer.substr(1, peer.find(']') - 1);
  const std::size_t colon = peer.rfind(':');
  if (colon == std::string::npos || peer.find(':') != colon) return peer;
  return peer.substr(0, colon);
}

// One address has so much of all requests under way.
constexpr std::uint32_t shares = 4;
constexpr std::chrono::minutes accounts_window{1};
// Addresses whose accounts are counted.
constexpr std::size_t addresses_max = 65536;

/// About what a request takes while it waits.
ByteCount memory_of(const Request& request) {
  std::uint64_t bytes = sizeof(Submit) + request.floor.positions.size() * sizeof(LogPosition);
  if (const AddFile* add = request.what.get<AddFile>())
    bytes += add->metainfo.piece_sha1.run.size() + add->metainfo.piece_sha256.run.size();
  return {bytes};
}

/// What a client that knows no directories can understand of an answer.
TrackerAnswer without_trees(TrackerAnswer answer) {
  if (auto* files = std::get_if<Files>(&answer.value))
    for (FileRow& row : files->files) row.tree = false;
  if (const auto* found = answer.get<FileFound>(); found != nullptr && found->metainfo.is_tree())
    return Refused{Code::other, found->metainfo.name.text +
                                    " is a directory, which this version of tutti does not know: update it"};
  return answer;
}

/// What a client that knows no reports can understand of an answer.
void leave_out_reports(TrackerAnswer& answer) {
  const auto leave_out = [](std::vector<Sharer>& sharers) {
    for (Sharer& sharer : sharers) sharer.reports = 0;
  };
  if (auto* found = std::get_if<FileFound>(&answer.value)) leave_out(found->sharers);
  if (auto* sharers = std::get_if<Sharers>(&answer.value)) leave_out(sharers->sharers);
}

/// `1 second`, `12 seconds`: not too few.
std::string seconds_of(Duration wait) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  return std::to_string(seconds) + (seconds == 1 ? " second" : " seconds");
}

Answer refusal(RequestCounter counter, std::string sentence) {
  Answer answer;
  answer.counter = counter;
  answer.what = Refused{Code::other, std::move(sentence)};
  return answer;
}

}  // namespace

FrontDesk::FrontDesk(FrontDeskPlace place, const LimitConfig& limits)
    : place_(std::move(place)), limits_(limits), passwords_(limits.passwords_waiting) {
  for (const Ref<PasswordHasherRole> hasher : place_.hashers) hashers_.push_back({hasher, std::nullopt});
}

void FrontDesk::start(Context& context) {
  HashSecret secret;
  context.fill_secret(secret.bytes);
  attempts_.emplace(limits_.wrong_passwords_per_address, limits_.wrong_passwords_per_user, secret);
  rates_.emplace(limits_.requests_per_second_per_client, limits_.requests_per_second_per_address, secret);
  const Opened door = context.listen<ClientRole>(place_.endpoint);
  if (!door.fault.empty())
    context.send(place_.console, Hopeless{"cannot serve clients on " + place_.endpoint + ": " + door.fault});
  const Opened key_door = context.tell_key(place_.endpoint);
  if (!key_door.fault.empty())
    context.send(place_.console,
                 Hopeless{"cannot tell the public key on UDP " + place_.endpoint + ": " + key_door.fault});
  open_ = door.fault.empty() && key_door.fault.empty();
}

void FrontDesk::on(const LinkUp& message, Context&) {
  Link& link = links_[message.link];
  link.host = host_of(message.peer);
  link.key = message.key;
}

void FrontDesk::on(const LinkDown& message, Context&) {
  const auto link = links_.find(message.link);
  if (link == links_.end()) return;
  const auto [first, last] = links_of_client_.equal_range(link->second.client);
  const auto mine = std::find_if(first, last, [&](const auto& each) { return each.second == message.link; });
  if (mine != last) links_of_client_.erase(mine);
  links_.erase(link);
}

void FrontDesk::on(const Hello& message, Context& context) {
  const auto found = links_.find(context.sender());
  if (found == links_.end()) return;
  Link& link = found->second;
  if (link.greeted) return;  // said once; a repeated one changes nothing
  if (message.client != ClientKey::from(link.key.view())) {
    log_warning("a client from " + link.host + " says hello in another one's name");
    context.close(found->first);
    links_.erase(found);
    return;
  }
  if (message.version_min > client_tracker_version || message.version_max < client_tracker_version_min) {
    context.reply(Unwelcome{client_tracker_version_min, client_tracker_version,
                            "this tracker speaks version " + std::to_string(client_tracker_version) +
                                " of the protocol: use a client of the same release"});
    return;
  }
  link.greeted = true;
  link.client = message.client;
  link.version = std::min(message.version_max, client_tracker_version);
  links_of_client_.emplace(link.client, context.sender());
  context.reply(Welcome{link.version, place_.tracker, store_, !serving_});
}

FrontDesk::Link* FrontDesk::greeted_sender(Context& context) {
  const auto link = links_.find(context.sender());
  if (link == links_.end()) return nullptr;
  if (link->second.greeted) return &link->second;
  log_debug("a client from " + link->second.host + " speaks before it says hello");
  context.close(context.sender());
  links_.erase(link);
  return nullptr;
}

void FrontDesk::on(const Request& message, Context& context) {
  Link* link = greeted_sender(context);
  if (link == nullptr) return;
  submit_due(context);
  if (const std::optional<std::string> why = refusal_of(*link, message, context)) {
    context.reply(refusal(message.counter, *why));
    return;
  }
  const RequestLimits::Turn turn =
      rates_->take(link->client, link->host, cost_of(message.what), context.now());
  if (turn.refused) {
    context.reply(
        refusal(message.counter,
                "more is asked from here than this tracker answers: try again in " + seconds_of(turn.wait)));
    return;
  }
  ++link->under_way;
  const Ticket ticket{++last_ticket_};
  const ByteCount bytes = memory_of(message);
  under_way_[ticket] = {context.sender(), link->client, link->host, message.counter, bytes};
  ++under_way_of_host_[link->host];
  bytes_under_way_.value += bytes.value;
  if (turn.wait == Duration::zero()) return submit(ticket, message, context);
  waiting_.emplace(context.now() + turn.wait, Waiting{ticket, message});
  wait_for_turns(context);
}

void FrontDesk::wait_for_turns(Context& context) {
  if (waiting_.empty() || (due_ && *due_ <= waiting_.begin()->first)) return;
  if (due_) context.cancel(due_timer_);
  due_ = waiting_.begin()->first;
  due_timer_ = context.after(*due_ - context.now(), RequestsDue{});
}

void FrontDesk::submit(Ticket ticket, const Request& request, Context& context) {
  const UnderWay& asked = under_way_.at(ticket);
  context.send(place_.directory, Submit{ticket, asked.client, asked.host, request});
}

void FrontDesk::submit_due(Context& context) {
  while (!waiting_.empty() && waiting_.begin()->first <= context.now()) {
    const Waiting next = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    if (links_.contains(under_way_.at(next.ticket).link)) {
      submit(next.ticket, next.request, context);
    } else {
      forget(next.ticket);  // it left, and asks again elsewhere
    }
  }
}

void FrontDesk::on(const RequestsDue&, Context& context) {
  due_.reset();
  submit_due(context);
  wait_for_turns(context);
}

std::optional<std::string> FrontDesk::refusal_of(const Link& link, const Request& request, Context& context) {
  if (link.under_way >= limits_.requests_per_link)
    return "too many requests are under way: wait for some answers first";
  if (has_its_share(link.host))
    return "too many requests from your address are under way: try again in a moment";
  const std::uint64_t bytes = bytes_under_way_.value + memory_of(request).value;
  if (under_way_.size() >= limits_.requests_in_all ||
      bytes > std::uint64_t{limits_.request_kib_in_all} * 1024)
    return "the tracker has too many requests to answer: try again in a moment";
  if (request.what.get<CreateUser>() != nullptr && !may_make_account(link.host, context.now()))
    return "too many accounts were made from your address just now: try again in a minute";
  return std::nullopt;
}

bool FrontDesk::has_its_share(const std::string& host) const {
  const auto mine = under_way_of_host_.find(host);
  return mine != under_way_of_host_.end() &&
         mine->second >= std::max(limits_.requests_per_link, limits_.requests_in_all / shares);
}

bool FrontDesk::may_make_account(const std::string& host, Instant now) {
  const auto is_over = [&](const auto& each) { return now - each.second.begin >= accounts_window; };
  if (accounts_.size() >= addresses_max) std::erase_if(accounts_, is_over);
  // More addresses than that at once are no people; whoever is refused now is not in a minute.
  if (accounts_.size() >= addresses_max && !accounts_.contains(host)) return false;
  Accounts& accounts = accounts_.try_emplace(host, Accounts{now, 0}).first->second;
  if (now - accounts.begin >= accounts_window) accounts = {now, 0};
  if (accounts.made >= limits_.accounts_per_minute) return false;
  ++accounts.made;
  return true;
}

void FrontDesk::on(const Present& message, Context& context) {
  const Link* link = greeted_sender(context);
  if (link == nullptr || !rates_->hears_presence(link->client, context.now())) return;
  context.send(place_.directory, PresenceSaid{link->client, link->host, message});
}

void FrontDesk::on(const Leaving& message, Context& context) {
  const Link* link = greeted_sender(context);
  if (link == nullptr || !rates_->hears_presence(link->client, context.now())) return;
  context.send(place_.directory, LeavingSaid{link->client, message});
}

void FrontDesk::forget(Ticket ticket) {
  const auto under_way = under_way_.find(ticket);
  bytes_under_way_.value -= under_way->second.bytes.value;
  const auto of_host = under_way_of_host_.find(under_way->second.host);
  if (--of_host->second == 0) under_way_of_host_.erase(of_host);
  under_way_.erase(under_way);
}

void FrontDesk::on(const Settled& message, Context& context) {
  const auto under_way = under_way_.find(message.ticket);
  if (under_way == under_way_.end()) return;
  const UnderWay request = under_way->second;
  forget(message.ticket);
  const auto link = links_.find(request.link);
  if (link == links_.end()) return;  // it left before the answer came, and asks again elsewhere
  --link->second.under_way;
  Answer answer = message.answer;
  answer.counter = request.counter;
  if (link->second.version < trees_version) answer.what = without_trees(std::move(answer.what));
  if (link->second.version < reports_version) leave_out_reports(answer.what);
  context.answer(request.link, answer);
}

void FrontDesk::on(const Notify& message, Context& context) {
  const auto [first, last] = links_of_client_.equal_range(message.client);
  for (auto link = first; link != last; ++link) context.answer(link->second, message.notice);
}

void FrontDesk::on(const NotifyGroup& message, Context& context) {
  const auto [first, last] = links_of_client_.equal_range(message.client);
  for (auto link = first; link != last; ++link)
    if (links_.at(link->second).version >= tickets_version) context.answer(link->second, message.change);
}

void FrontDesk::on(const NotifyPiece& message, Context& context) {
  const auto [first, last] = links_of_client_.equal_range(message.client);
  for (auto link = first; link != last; ++link)
    if (links_.at(link->second).version >= reports_version) context.answer(link->second, message.report);
}

void FrontDesk::on(const ServiceChanged& message, Context& context) {
  if (message.serving && store_.is_zero() && open_) context.send(place_.console, Serving{place_.endpoint});
  serving_ = message.serving;
  store_ = message.store;
}

// --- passwords --------------------------------------------------------------------------------------------------

void FrontDesk::on(const PasswordNeeded& message, Context& context) {
  const auto asked = under_way_.find(message.ticket);
  PasswordJob job{message, {message.user, {}, {}, message.familiar}};
  if (asked != under_way_.end()) {
    job.attempt.host = asked->second.host;
    job.attempt.client = asked->second.client;
  }
  if (const std::optional<PasswordJob> refused = passwords_.push(std::move(job)))
    refuse_password(refused->needed.ticket, "the tracker has too many logins to check: try again in a moment",
                    context);
  hash_next(context);
}

void FrontDesk::refuse_password(Ticket ticket, std::string sentence, Context& context) {
  context.send(place_.directory, PasswordKnown{ticket, true, {}, 0, std::move(sentence)});
}

void FrontDesk::hash_next(Context& context) {
  for (Hasher& hasher : hashers_) {
    if (hasher.job) continue;
    hasher.job = next_password(context);
    if (!hasher.job) return;
    const PasswordNeeded& job = hasher.job->needed;
    if (job.make_verifier) {
      context.send(hasher.ref, HashPassword{job.ticket, job.password});
    } else {
      context.send(hasher.ref, CheckPassword{job.ticket, job.password, job.verifiers});
    }
  }
}

/// The next one that may be tried.
std::optional<PasswordJob> FrontDesk::next_password(Context& context) {
  for (;;) {
    std::optional<PasswordJob> job = passwords_.pop();
    if (!job || job->needed.make_verifier) return job;
    const std::optional<Duration> wait = attempts_->begin(job->attempt, context.now());
    if (!wait) return job;
    refuse_password(job->needed.ticket,
                    "too many wrong passwords were tried: try again in " + seconds_of(*wait), context);
  }
}

FrontDesk::Hasher& FrontDesk::sender_among_hashers(Context& context) {
  const auto hasher = std::find_if(hashers_.begin(), hashers_.end(),
                                   [&](const Hasher& each) { return each.ref.address == context.sender(); });
  ENSURE(hasher != hashers_.end() && hasher->job);
  return *hasher;
}

void FrontDesk::conclude(Hasher& hasher, PasswordKnown known, Context& context) {
  known.ticket = hasher.job->needed.ticket;
  hasher.job.reset();
  context.send(place_.directory, known);
  hash_next(context);
}

void FrontDesk::on(const PasswordHashed& message, Context& context) {
  Hasher& hasher = sender_among_hashers(context);
  const std::uint32_t match = hasher.job->needed.make_verifier ? 0 : 1;
  conclude(hasher, {{}, false, message.verifier, match}, context);
}

void FrontDesk::on(const PasswordChecked& message, Context& context) {
  Hasher& hasher = sender_among_hashers(context);
  if (message.match != 0) attempts_->succeeded(hasher.job->attempt);
  if (message.match != 0 && !hasher.job->needed.new_password.empty()) {
    context.send(hasher.ref, HashPassword{message.ticket, hasher.job->needed.new_password});
    return;
  }
  conclude(hasher, {{}, false, {}, message.match}, context);
}

void FrontDesk::check_invariants() const {
  std::size_t greeted = 0;
  for (const auto& [address, link] : links_) {
    ENSURE(link.under_way <= limits_.requests_per_link);
    greeted += link.greeted ? 1 : 0;
  }
  ENSURE(links_of_client_.size() == greeted);
  ENSURE(passwords_.size() <= std::size_t{2} * limits_.passwords_waiting);
  ENSURE(under_way_.size() <= limits_.requests_in_all && waiting_.size() <= under_way_.size());
  ENSURE(waiting_.empty() || (due_ && *due_ <= waiting_.begin()->first));
  ENSURE(under_way_of_host_.size() <= under_way_.size());
  ENSURE(!under_way_.empty() || bytes_under_way_.value == 0);
}

}  // namespace tutti
