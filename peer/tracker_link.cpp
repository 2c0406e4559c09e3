#include "peer/tracker_link.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "actors/context.hpp"
#include "actors/ensure.hpp"
#include "actors/log.hpp"

namespace tutti {

namespace {

constexpr std::size_t places_max = 2;
/// Requests without an outcome at the most: a shell has one or two, a scheduler a few a download.
constexpr std::size_t pending_max = 8192;
constexpr std::uint32_t counters_leased = 64;
/// How long a connection may take to stand before another tracker of the file gets its chance.
constexpr Duration connect_patience = std::chrono::milliseconds(500);
/// How long a place waits before it tries the next tracker; short, as only those that refused are waited for.
constexpr Duration next_tracker_after = std::chrono::milliseconds(100);

/// What is wrong with the words of a request, if anything. A wrong name has a code of its own.
template <Record T>
std::optional<Refused> wording_fault(const T& request) {
  std::optional<Refused> refused;
  detail::each_field(request, [&](std::string_view field_name, const auto& field) {
    using Field = std::remove_cvref_t<decltype(field)>;
    if constexpr (detail::IsName<Field>::value) {
      if (const Fault fault = fault_of(field); !refused && !fault.empty())
        refused =
            Refused{Code::invalid_name, fmt::format("this {} name is not allowed: {}", field_name, fault)};
    } else if constexpr (std::same_as<Field, Metainfo>) {
      if (const Fault fault = fault_of(field.name); !refused && !fault.empty())
        refused = Refused{Code::invalid_name, fmt::format("this file name is not allowed: {}", fault)};
    }
  });
  if (refused) return refused;
  if (const Fault fault = fault_of(request); !fault.empty()) return Refused{Code::usage, std::string(fault)};
  return std::nullopt;
}

void merge_into(VersionVector& floor, const VersionVector& at) {
  std::vector<LogPosition> merged;
  merged.reserve(std::max(floor.positions.size(), at.positions.size()));
  auto a = floor.positions.begin();
  auto b = at.positions.begin();
  while (a != floor.positions.end() || b != at.positions.end()) {
    if (b == at.positions.end() || (a != floor.positions.end() && a->origin < b->origin)) {
      merged.push_back(*a++);
    } else if (a == floor.positions.end() || b->origin < a->origin) {
      merged.push_back(*b++);
    } else {
      merged.push_back({a->origin, std::max(a->sequence, b->sequence)});
      ++a;
      ++b;
    }
  }
  floor.positions = std::move(merged);
}

/// Whether an answer says that something is not there which was perhaps there in a state that it does not know.
bool is_doubtful(const Answer& answer, const VersionVector& floor) {
  const auto* refused = answer.what.get<Refused>();
  if (refused == nullptr || (refused->code != Code::no_such_group && refused->code != Code::not_a_member &&
                             refused->code != Code::no_such_file && refused->code != Code::not_sharing))
    return false;
  VersionVector both = answer.at;
  merge_into(both, floor);
  return both != answer.at;
}

template <class T>
bool asks_for(const ClientRequest& what) {
  return what.get<T>() != nullptr;
}

bool needs_session(const ClientRequest& what) {
  return std::visit([](const auto& each) { return !needs_no_login<std::remove_cvref_t<decltype(each)>>; },
                    what.value);
}

/// What trackers know from accounts_version on.
bool is_of_accounts(const ClientRequest& what) {
  return asks_for<ChangePassword>(what) || asks_for<TransferGroup>(what) || asks_for<AskSessions>(what);
}

/// What a request brings that a slow line takes its time for.
ByteCount bulk_of(const ClientRequest& what) {
  const auto* add = what.get<AddFile>();
  return {add == nullptr ? 0 : add->metainfo.piece_sha1.run.size() + add->metainfo.piece_sha256.run.size()};
}

}  // namespace

TrackerLink::TrackerLink(TrackerLinkOptions options, Ref<StorageRole> storage, Listeners listeners)
    : options_(std::move(options)),
      storage_(storage),
      listeners_(listeners),
      trust_(options_.trackers, options_.info_path, options_.known_path, options_.known) {
  ENSURE(!options_.trackers.empty());
}

void TrackerLink::start(Context& context) {
  lease_counters(context);
  const std::size_t first = context.random().below(options_.trackers.size());
  places_.resize(std::min(places_max, options_.trackers.size()));
  for (std::size_t i = 0; i < places_.size(); ++i)
    open_place(i, (first + i) % options_.trackers.size(), context);
}

/// Others are to know at once that nothing is served here any more. The session stays as it is.
Farewell TrackerLink::stop(Context& context) {
  if (session_ && current_) context.send(current()->link, Leaving{session_->token, session_->presents + 1});
  return Farewell::now;
}

// --- what the others in the client want ---------------------------------------------------------------------

void TrackerLink::on(const Ask& ask, Context& context) {
  if (const std::optional<Refused> refused = objection(ask.what))
    return refuse(context.sender(), ask.command, refused->code, refused->sentence, context);
  if (pending_.size() >= pending_max)
    return refuse(context.sender(), ask.command, Code::other,
                  "too many requests wait for an answer of the trackers: try again in a moment", context);
  if (const auto* add = ask.what.get<AddFile>();
      add != nullptr && add->metainfo.is_tree() && current() != nullptr && current()->version < trees_version)
    return refuse(context.sender(), ask.command, Code::other,
                  "the tracker that answers does not know directories: it has to be updated first", context);
  if (is_of_accounts(ask.what) && current() != nullptr && current()->version < accounts_version)
    return refuse(context.sender(), ask.command, Code::other,
                  "the tracker that answers cannot do this yet: it has to be updated first", context);
  if (asks_for<ReportPiece>(ask.what) && current() != nullptr && current()->version < reports_version)
    return refuse(context.sender(), ask.command, Code::other,
                  "the tracker that answers does not know reports: it has to be updated first", context);
  if (asks_for<Login>(ask.what)) login_under_way_ = true;
  take(context.sender(), ask.command, ask.what, context);
}

TrackerLink::Ticket TrackerLink::take(Address asker, CommandId command, ClientRequest what,
                                      Context& context) {
  const Ticket ticket = ++last_ticket_;
  pending_.emplace(ticket, Pending{asker, command, std::move(what), context.now(), {}, {}});
  context.after(options_.unreachable_after, AskOverdue{ticket});
  send_waiting(context);
  return ticket;
}

std::optional<Refused> TrackerLink::objection(const ClientRequest& what) const {
  return std::visit(
      [&](const auto& request) -> std::optional<Refused> {
        using Asked = std::remove_cvref_t<decltype(request)>;
        if (!needs_no_login<Asked> && !session_)
          return Refused{Code::not_logged_in, "nobody is logged in here: log in first"};
        if (std::same_as<Asked, Login> && session_)
          return Refused{Code::already_logged_in,
                         fmt::format("{} is logged in here: log out first", session_->user)};
        if (std::same_as<Asked, Login> && login_under_way_)
          return Refused{Code::already_logged_in, "a login is under way: wait for it"};
        return wording_fault(request);
      },
      what.value);
}

/// Right after the start nobody can have answered yet: who asks that early waits until it is known whether one does.
void TrackerLink::on(const AskLink& ask, Context& context) {
  if (told_tracker_) return say_status(context.sender(), ask.command, context);
  early_looks_.emplace_back(context.sender(), ask.command);
}

void TrackerLink::say_status(Address asker, CommandId command, Context& context) {
  LinkStatus status;
  status.command = command;
  if (session_) status.user = session_->user;
  status.client = options_.client;
  if (const Place* place = current()) {
    status.tracker_number = options_.trackers[place->tracker].number;
    status.tracker_endpoint = options_.trackers[place->tracker].client_endpoint();
  }
  if (serving_.port != 0)
    status.serving = fmt::format("{}:{}", serving_.host.empty() ? "*" : serving_.host, serving_.port);
  context.answer(asker, status);
}

void TrackerLink::on(const ForgetCommand& forget, Context& context) {
  for (auto it = pending_.begin(); it != pending_.end();) {
    const Pending& pending = it->second;
    if (pending.asker != context.sender() || pending.command != forget.command) {
      ++it;
      continue;
    }
    if (pending.counter) {
      // It is under way and may be done: its outcome is still taken in (a login is one), only not told.
      it->second.asker = {};
      ++it;
    } else {
      if (asks_for<Login>(pending.what)) login_under_way_ = false;
      it = pending_.erase(it);
    }
  }
}

void TrackerLink::on(const NowServing& serving, Context& context) {
  serving_ = serving;
  if (session_) say_present(context);
}

void TrackerLink::on(const CountersReserved& reserved, Context& context) {
  lease_under_way_ = false;
  if (reserved.count == 0) return refuse_without_counter(reserved, context);
  for (std::uint32_t i = 0; i < reserved.count; ++i) counters_.push_back({reserved.first.value + i});
  send_waiting(context);
}

/// Whoever has no counter gets none now, and the next Ask tries again: asking over and over would only fill the log.
void TrackerLink::refuse_without_counter(const CountersReserved& why, Context& context) {
  std::vector<Ticket> without;
  for (const auto& [ticket, pending] : pending_)
    if (!pending.counter) without.push_back(ticket);
  for (const Ticket ticket : without) {
    const Pending pending = std::move(pending_.at(ticket));
    pending_.erase(ticket);
    if (asks_for<Login>(pending.what)) login_under_way_ = false;
    if (pending.asker.value != 0) refuse(pending.asker, pending.command, why.code, why.sentence, context);
  }
}

void TrackerLink::lease_counters(Context& context) {
  if (lease_under_way_ || counters_.size() >= counters_leased / 2) return;
  lease_under_way_ = true;
  context.send(storage_, ReserveCounters{counters_leased});
}

// --- requests ---------------------------------------------------------------------------------------------------

void TrackerLink::send_waiting(Context& context) {
  if (!current_) return;
  const Address link = current()->link.address;
  for (auto& [ticket, pending] : pending_)
    if (std::find(pending.sent_over.begin(), pending.sent_over.end(), link) == pending.sent_over.end())
      send(ticket, pending, context);
}

void TrackerLink::send(Ticket ticket, Pending& pending, Context& context) {
  if (!pending.counter) {
    lease_counters(context);
    if (counters_.empty()) return;
    pending.counter = counters_.front();
    counters_.pop_front();
    by_counter_[*pending.counter] = ticket;
    pending.floor = floor_;
  }
  Request request;
  request.counter = *pending.counter;
  request.floor = floor_;
  request.what = pending.what;
  if (session_) request.token = session_->token;
  if (auto* login = std::get_if<Login>(&request.what.value)) {
    login->host = serving_.host;
    login->port = serving_.port;
  }
  const Ref<TrackerRole> link = current()->link;
  context.send(link, request);
  pending.sent_over.push_back(link.address);
  context.after(options_.answer_patience, AnswerOverdue{ticket, link.address});
  current()->watch.sent(bulk_of(request.what));
  keep_watch(context);
}

void TrackerLink::on(const Answer& answer, Context& context) {
  Place* place = place_of(context.sender());
  if (place == nullptr) return;
  place->watch.heard(context.now());
  const auto found = by_counter_.find(answer.counter);
  if (found == by_counter_.end()) return;  // answered already by another tracker
  merge_into(floor_, answer.at);
  conclude(found->second, answer, context);
}

void TrackerLink::conclude(Ticket ticket, const Answer& answer, Context& context) {
  const Pending pending = std::move(pending_.at(ticket));
  by_counter_.erase(*pending.counter);
  pending_.erase(ticket);

  const auto* refused = answer.what.get<Refused>();
  Told told{pending.command, answer.what, answer.provisional, answer.sentence};
  if (is_doubtful(answer, pending.floor))
    told.what = Refused{
        Code::tracker_unreachable,
        fmt::format("no tracker answers that knows all that was known before; the one that does says: {}",
                    refused->sentence)};
  // The session has ended already, by this very request at a tracker that we left, or by age: that is what was wanted.
  if (asks_for<Logout>(pending.what) && session_ && refused != nullptr &&
      refused->code == Code::not_logged_in)
    told.what = Done{};
  if (asks_for<Login>(pending.what)) {
    login_under_way_ = false;
    if (const auto* logged_in = answer.what.get<LoggedIn>()) begin_session(*logged_in, context);
  }
  if (pending.asker.value != 0) context.answer(pending.asker, told);

  if (doubt_ && doubt_->first == ticket) {
    if (refused != nullptr && refused->code == Code::not_logged_in)
      context.send(listeners_.shell, doubt_->second);
    doubt_.reset();
  }
  if (asks_for<Logout>(pending.what) && refused == nullptr) end_session(context);
  if (const auto* leave = pending.what.get<LeaveGroup>(); leave != nullptr && refused == nullptr) {
    leave_group(leave->group, fmt::format("you have left {}", leave->group.text), context);
  }
  if (refused != nullptr && refused->code == Code::not_logged_in && session_) {
    log_info("the trackers know our session no more");
    end_session(context);
  }
}

void TrackerLink::on(const AnswerOverdue& overdue, Context& context) {
  const auto found = pending_.find(overdue.ticket);
  if (found == pending_.end()) return;
  const std::vector<Address>& asked = found->second.sent_over;
  if (std::find(asked.begin(), asked.end(), overdue.link) == asked.end()) return;
  // Only another tracker can know better. If there is none, the one that is slow is the best there is.
  const auto spare = std::find_if(places_.begin(), places_.end(), [&](const Place& place) {
    return place.state == Place::State::welcomed && !place.watch.is_mute(context.now()) &&
           std::find(asked.begin(), asked.end(), place.link.address) == asked.end();
  });
  if (spare == places_.end() || !is_current(overdue.link)) {
    context.after(options_.answer_patience, overdue);
    return;
  }
  move_to(static_cast<std::size_t>(spare - places_.begin()), "does not answer", context);
}

void TrackerLink::move_to(std::size_t spare, std::string_view why, Context& context) {
  const Place left = *current();
  current_ = spare;
  const std::uint32_t number = options_.trackers[current()->tracker].number;
  tell_tracker(fmt::format("tracker {} {}; tracker {} answers now", options_.trackers[left.tracker].number,
                           why, number),
               context);
  say_present(context);
  send_waiting(context);
  context.after(options_.answer_patience, PlaceDue{left.link.address});
}

// --- who is mute ------------------------------------------------------------------------------------------------

/// Probes whom nothing was heard of, and sees to it that this is done again as long as something is asked.
void TrackerLink::keep_watch(Context& context) {
  const Instant now = context.now();
  Instant next = Instant::max();
  for (Place& place : places_) {
    if (place.state != Place::State::welcomed) continue;
    if (place.watch.to_be_probed(now)) {
      context.probe(place.link.address);
      place.watch.probed(now);
    }
    // Whoever is mute is looked at again when it is heard.
    if (!place.watch.is_mute(now)) next = std::min(next, place.watch.look_at(now));
  }
  context.cancel(watch_timer_);
  watch_timer_ = {};
  if (next == Instant::max()) return;
  watch_timer_ = context.after(next - now, WatchDue{next.time_since_epoch()});
}

void TrackerLink::on(const WatchDue& due, Context& context) {
  watch_timer_ = {};
  if (context.now().time_since_epoch() - due.at >= LinkWatch::every)
    for (Place& place : places_) place.watch.forgive(context.now());
  leave_if_mute(context);
  if (!by_counter_.empty()) keep_watch(context);
}

void TrackerLink::on(const LinkEcho& echo, Context& context) {
  Place* place = place_of(echo.link);
  if (place == nullptr) return;
  place->watch.echoed(context.now());
  leave_if_mute(context);
  if (!by_counter_.empty()) keep_watch(context);
}

/// Leaves a tracker that is mute while something is asked, if the other one is there.
void TrackerLink::leave_if_mute(Context& context) {
  const Instant now = context.now();
  if (!current_ || by_counter_.empty() || !current()->watch.is_mute(now)) return;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const Place& spare = places_[i];
    if (spare.state == Place::State::welcomed && !spare.watch.is_mute(now) &&
        spare.watch.outlives(current()->watch))
      return move_to(i, "is silent", context);
  }
}

void TrackerLink::on(const AskOverdue& overdue, Context& context) {
  const auto found = pending_.find(overdue.ticket);
  if (found == pending_.end()) return;
  const Duration waited = context.now() - found->second.asked;
  if (current_ && waited < 3 * options_.unreachable_after) {
    context.after(3 * options_.unreachable_after - waited, overdue);
    return;
  }
  give_up(overdue.ticket, context);
}

void TrackerLink::give_up(Ticket ticket, Context& context) {
  const Pending pending = std::move(pending_.at(ticket));
  if (pending.counter) by_counter_.erase(*pending.counter);
  pending_.erase(ticket);
  if (asks_for<Login>(pending.what)) login_under_way_ = false;
  if (doubt_ && doubt_->first == ticket) doubt_.reset();
  if (asks_for<Logout>(pending.what) && session_) {
    // What logging out is for happens here; the trackers see it when no more is heard of the session.
    end_session(context);
    if (pending.asker.value != 0)
      context.answer(pending.asker, Told{pending.command, Done{}, true,
                                         "no tracker answers; they will notice within 15 seconds"});
    return;
  }
  if (pending.asker.value == 0) return;
  refuse(pending.asker, pending.command, Code::tracker_unreachable,
         pending.counter
             ? "no tracker answers, so it is not known whether this was done: look when one is back"
         : refused_.empty() ? "no tracker of the tracker file answers: check the file and whether one runs"
                            : "no tracker of the tracker file answers. " + refusals(),
         context);
}

void TrackerLink::refuse(Address asker, CommandId command, Code code, std::string sentence,
                         Context& context) {
  context.answer(asker, Told{command, Refused{code, std::move(sentence)}, false, {}});
}

// --- links ------------------------------------------------------------------------------------------------------

void TrackerLink::open_place(std::size_t position, std::size_t tracker, Context& context) {
  Place& place = places_[position];
  place.conversation = 0;
  place.tracker = tracker;
  const TrackerEntry& entry = options_.trackers[tracker];
  if (const std::optional<LinkKey> key = trust_.key_of(entry.number)) {
    place.state = Place::State::connecting;
    place.link = context.connect<TrackerRole>(entry.client_endpoint(), *key);
  } else {
    place.state = Place::State::asking;
    place.link = {context.ask_key(entry.client_endpoint())};
  }
  context.after(connect_patience, GreetingOverdue{place.link.address, 0});
}

std::optional<std::size_t> TrackerLink::next_free_tracker(std::size_t after) const {
  for (std::size_t step = 1; step < options_.trackers.size(); ++step) {
    const std::size_t tracker = (after + step) % options_.trackers.size();
    const bool taken = std::any_of(places_.begin(), places_.end(),
                                   [&](const Place& place) { return place.tracker == tracker; });
    if (!taken) return tracker;
  }
  return std::nullopt;
}

/// Gives the place to the next tracker that has none; if all have one, its own tracker is connected to anew.
void TrackerLink::move_place(std::size_t position, Context& context) {
  context.close(places_[position].link.address);
  const std::size_t old = places_[position].tracker;
  open_place(position, next_free_tracker(old).value_or(old), context);
}

// --- their keys -------------------------------------------------------------------------------------------------

/// A tracker whose key is known does not come up. It may be down, or have another one.
void TrackerLink::ask_why(std::size_t tracker, Context& context) {
  if (!key_questions_.contains(tracker))
    key_questions_[tracker] = context.ask_key(options_.trackers[tracker].client_endpoint());
}

void TrackerLink::on(const KeyTold& told, Context& context) {
  for (std::size_t i = 0; i < places_.size(); ++i)
    if (places_[i].link.address == told.question) {
      trust_.judge(options_.trackers[places_[i].tracker].number, told.key);
      return open_place(i, places_[i].tracker, context);
    }
  const auto asked = std::find_if(key_questions_.begin(), key_questions_.end(),
                                  [&](const auto& each) { return each.second == told.question; });
  if (asked == key_questions_.end()) return;
  const std::size_t tracker = asked->first;
  key_questions_.erase(asked);
  const std::uint32_t number = options_.trackers[tracker].number;
  const TrackerTrust::Verdict verdict = trust_.judge(number, told.key);
  if (verdict == TrackerTrust::Verdict::claimed) return dial_anew(tracker, context);
  if (verdict == TrackerTrust::Verdict::expected) return;
  const auto before = refused_.find(tracker);
  if (before != refused_.end() && before->second.first == told.key) return;
  const std::string sentence = trust_.changed_sentence(number, told.key);
  refused_[tracker] = {told.key, sentence};
  log_error(sentence);
  tell_key(tracker, told.key, false, sentence, context);
}

/// Another key is claimed than the one that nobody has proven.
void TrackerLink::dial_anew(std::size_t tracker, Context& context) {
  for (std::size_t i = 0; i < places_.size(); ++i)
    if (places_[i].tracker == tracker && places_[i].has_no_link()) {
      context.close(places_[i].link.address);
      open_place(i, tracker, context);
    }
}

/// A link has proven the key that was claimed.
void TrackerLink::meet(std::size_t tracker, const LinkKey& key, Context& context) {
  const TrackerEntry& entry = options_.trackers[tracker];
  const std::string sentence = trust_.met_sentence(entry.number);
  log_warning(sentence);
  context.send(storage_, RememberTracker{entry.client_endpoint(), key});
  tell_key(tracker, key, true, sentence, context);
}

void TrackerLink::tell_key(std::size_t tracker, const LinkKey& key, bool trusted, std::string sentence,
                           Context& context) {
  const TrackerEntry& entry = options_.trackers[tracker];
  context.send(listeners_.shell, TrackerKeySeen{entry.number, entry.client_endpoint(), to_z85(key.view()),
                                                trusted, std::move(sentence)});
}

std::string TrackerLink::refusals() const {
  std::string sentences;
  for (const auto& [tracker, refusal] : refused_)
    sentences += (sentences.empty() ? "" : ". ") + refusal.second;
  return sentences;
}

TrackerLink::Place* TrackerLink::place_of(Address link) {
  const auto found = std::find_if(places_.begin(), places_.end(),
                                  [&](const Place& place) { return place.link.address == link; });
  return found == places_.end() ? nullptr : &*found;
}

void TrackerLink::on(const LinkUp& up, Context& context) {
  Place* place = place_of(up.link);
  if (place == nullptr) return;
  place->state = Place::State::greeting;
  ++place->conversation;
  place->greeted = context.now();
  place->watch = {};
  if (trust_.met(options_.trackers[place->tracker].number, up.key)) meet(place->tracker, up.key, context);
  Hello hello;
  hello.client = options_.client;
  hello.software = options_.software;
  context.send(place->link, hello);
  context.after(options_.answer_patience, GreetingOverdue{up.link, place->conversation});
}

void TrackerLink::on(const LinkDown& down, Context& context) {
  Place* place = place_of(down.link);
  if (place == nullptr) return;
  const bool was_current = is_current(down.link);
  place->state = Place::State::connecting;
  for (auto& [ticket, pending] : pending_) std::erase(pending.sent_over, down.link);
  if (was_current) {
    choose_current(fmt::format("tracker {} is lost", options_.trackers[place->tracker].number), context);
  } else if (!current_ && !told_tracker_) {
    tell_tracker("no tracker answers yet", context);
  }
  if (next_free_tracker(place->tracker)) context.after(next_tracker_after, PlaceDue{down.link});
}

void TrackerLink::on(const PlaceDue& due, Context& context) {
  const Place* place = place_of(due.link);
  if (place == nullptr || is_current(due.link)) return;
  const bool mute = place->state == Place::State::welcomed && place->watch.is_mute(context.now()) &&
                    next_free_tracker(place->tracker);
  if (place->has_no_link() || mute) move_place(static_cast<std::size_t>(place - places_.data()), context);
}

void TrackerLink::on(const Welcome& welcome, Context& context) {
  Place* place = place_of(context.sender());
  if (place == nullptr || place->state != Place::State::greeting) return;
  place->state = Place::State::welcomed;
  refused_.erase(place->tracker);
  if (const auto asked = key_questions_.extract(place->tracker)) context.close(asked.mapped());
  place->version = welcome.version;
  place->watch.took(context.now() - place->greeted, context.now());
  place->watch.heard(context.now());
  const TrackerEntry& entry = options_.trackers[place->tracker];
  if (welcome.tracker_number != entry.number)
    log_warning(fmt::format("the tracker at {} calls itself number {}, the tracker file says {}",
                            entry.client_endpoint(), welcome.tracker_number, entry.number));
  if (!current_) choose_current({}, context);
}

void TrackerLink::on(const Unwelcome& unwelcome, Context& context) {
  Place* place = place_of(context.sender());
  if (place == nullptr) return;
  log_error(fmt::format("tracker {} speaks another version of the protocol: {}",
                        options_.trackers[place->tracker].number, unwelcome.sentence));
  place->state = Place::State::connecting;
  if (is_current(context.sender())) choose_current("a tracker speaks another version", context);
  context.after(options_.answer_patience, PlaceDue{context.sender()});
}

void TrackerLink::on(const GreetingOverdue& overdue, Context& context) {
  Place* place = place_of(overdue.link);
  if (place == nullptr || place->conversation != overdue.conversation) return;
  const auto position = static_cast<std::size_t>(place - places_.data());
  if (place->state == Place::State::greeting) return move_place(position, context);
  if (!place->has_no_link()) return;
  if (place->state == Place::State::connecting) ask_why(place->tracker, context);
  if (!current_ && !told_tracker_) tell_tracker("no tracker answers yet", context);
  // Without another tracker to try, this connection goes on trying.
  if (next_free_tracker(place->tracker)) move_place(position, context);
}

void TrackerLink::choose_current(std::string_view why, Context& context) {
  current_.reset();
  for (const bool mute : {false, true})
    for (std::size_t i = 0; i < places_.size(); ++i)
      if (!current_ && places_[i].state == Place::State::welcomed &&
          places_[i].watch.is_mute(context.now()) == mute)
        current_ = i;
  if (!current_) return tell_tracker(fmt::format("{}; no other tracker answers yet", why), context);
  const std::uint32_t number = options_.trackers[current()->tracker].number;
  tell_tracker(why.empty() ? fmt::format("tracker {} answers", number)
                           : fmt::format("{}; tracker {} answers now", why, number),
               context);
  say_present(context);
  send_waiting(context);
}

void TrackerLink::tell_tracker(std::string sentence, Context& context) {
  told_tracker_ = true;
  TrackerChanged changed;
  changed.sentence = std::move(sentence);
  if (const Place* place = current()) {
    changed.tracker_number = options_.trackers[place->tracker].number;
    changed.endpoint = options_.trackers[place->tracker].client_endpoint();
  }
  context.send(listeners_.shell, changed);
  for (const auto& [asker, command] : std::exchange(early_looks_, {})) say_status(asker, command, context);
}

// --- the session ------------------------------------------------------------------------------------------------

void TrackerLink::on(const Notice& notice, Context& context) {
  if (Place* place = place_of(context.sender())) place->watch.heard(context.now());
  if (!is_current(context.sender())) return;  // the spare says the same
  if (notice.kind == NoticeKind::session_ended) return doubt_session(notice, context);
  context.send(listeners_.shell, notice);
}

/// That a group's epoch has risen may be heard from either tracker first. That we are in it no more counts from the one
/// that answers us.
void TrackerLink::on(const GroupChanged& changed, Context& context) {
  if (Place* place = place_of(context.sender())) place->watch.heard(context.now());
  if (!session_ || (!changed.member && !is_current(context.sender()))) return;
  context.send(listeners_.uploader, changed);
  context.send(listeners_.scheduler, changed);
  if (!changed.member) leave_group(changed.group, changed.sentence, context);
}

/// From either tracker: the one that we are not spoken for by may be the first to hear of it.
void TrackerLink::on(const PieceReported& reported, Context& context) {
  if (Place* place = place_of(context.sender())) place->watch.heard(context.now());
  if (!session_) return;
  context.send(listeners_.librarian, reported);
  context.send(listeners_.scheduler, reported);
}

void TrackerLink::leave_group(const GroupName& group, const std::string& sentence, Context& context) {
  context.send(listeners_.librarian, GroupLeft{group, sentence});
  context.send(listeners_.scheduler, GroupLeft{group, sentence});
}

/// What a tracker says to a Present may be older than the session: it has not heard of the login yet. A request has a
/// floor, so its answer is not; this one changes nothing, and only whether it finds us logged in counts.
void TrackerLink::doubt_session(const Notice& notice, Context& context) {
  if (!session_ || doubt_) return;
  doubt_.emplace(0, notice);
  doubt_->first = take({}, {}, FindSharers{}, context);
}

void TrackerLink::begin_session(const LoggedIn& logged_in, Context& context) {
  session_ = Session{logged_in.uid, logged_in.user.text, logged_in.token, 0};
  const SessionChanged changed{logged_in.uid, logged_in.user.text};
  context.send(listeners_.shell, changed);
  context.send(listeners_.librarian, changed);
  context.send(listeners_.scheduler, changed);
  say_present(context);
}

void TrackerLink::end_session(Context& context) {
  if (!session_) return;
  session_.reset();
  doubt_.reset();
  context.cancel(presence_timer_);
  context.send(listeners_.shell, SessionChanged{});
  context.send(listeners_.librarian, SessionChanged{});
  context.send(listeners_.scheduler, SessionChanged{});
  drop_requests_of_session(context);
}

/// What was asked in a session is not asked in another one, which may be another user's.
void TrackerLink::drop_requests_of_session(Context& context) {
  std::vector<Pending> dropped;
  for (auto it = pending_.begin(); it != pending_.end();) {
    if (!needs_session(it->second.what)) {
      ++it;
      continue;
    }
    if (it->second.counter) by_counter_.erase(*it->second.counter);
    dropped.push_back(std::move(it->second));
    it = pending_.erase(it);
  }
  for (const Pending& pending : dropped) {
    if (pending.asker.value == 0) continue;
    if (asks_for<Logout>(pending.what)) {
      context.answer(pending.asker, Told{pending.command, Done{}, false, {}});
    } else {
      refuse(pending.asker, pending.command, Code::not_logged_in,
             "the session has ended before this was answered: log in and look whether it was done", context);
    }
  }
}

void TrackerLink::say_present(Context& context) {
  if (!session_) return;
  if (current_)
    context.send(current()->link,
                 Present{session_->token, ++session_->presents, serving_.host, serving_.port});
  context.cancel(presence_timer_);
  presence_timer_ = context.after(options_.present_every, PresenceDue{});
}

void TrackerLink::on(const PresenceDue&, Context& context) { say_present(context); }

void TrackerLink::check_invariants() const {
  ENSURE(!current_ || places_.at(*current_).state == Place::State::welcomed);
  for (const auto& [counter, ticket] : by_counter_) ENSURE(pending_.at(ticket).counter == counter);
  for (const auto& [ticket, pending] : pending_)
    ENSURE(!pending.counter || by_counter_.contains(*pending.counter));
  ENSURE(pending_.size() <= pending_max);
  for (std::size_t i = 0; i < places_.size(); ++i)
    for (std::size_t j = i + 1; j < places_.size(); ++j) ENSURE(places_[i].tracker != places_[j].tracker);
}

}  // namespace tutti
